"""Faults: which requests they strike and what they do to the answer."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from starlette.responses import Response

from flexera_simulator.envelope import error_response

BODIES = ("envelope", "html", "empty")
HTML = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Try later.</body></html>"


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule; every condition that is set must hold, and it strikes `times` times (None: always)."""

    method: str | None = None
    path: str | None = None
    license: str | None = None
    page: int | None = None
    after: int = 0
    times: int | None = 1

    status: int | None = None
    body: str = "envelope"
    message: str = "a fault was ordered"
    headers: dict[str, str] | None = None
    delay_seconds: float = 0.0
    cut_body_after: int | None = None
    truncate_json: bool = False
    replace_body: str | None = None
    content_type: str | None = None
    revoke_tokens: bool = False
    not_found: bool = False

    struck_count: int = 0

    def __post_init__(self) -> None:
        if self.body not in BODIES:
            raise ValueError(f"body must be one of {', '.join(BODIES)}")
        if self.license is not None:
            self.license = str(self.license)
        re.compile(self.path or "")

    def strikes(self, method: str, path: str, license_id: str | None, page: int) -> bool:
        """Whether this request is struck; counts it if it is."""
        if self.times == 0 or not self._fits(method, path, license_id, page):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.struck_count += 1
        return True

    def answer(self) -> Response | None:
        """The answer that takes the place of the real one; None where the real one is sent, or spoilt."""
        if self.not_found:
            return error_response(404, "not found", self.headers)
        if self.replace_body is not None:
            kind = self.content_type or "application/json"
            return Response(self.replace_body.encode(), self.status or 200, self.headers, kind)
        if self.status is None and self.body == "envelope":
            return None
        return self._status_answer(self.status or 200)

    def _status_answer(self, status: int) -> Response:
        if self.body == "html":
            return Response(HTML, status, self.headers, "text/html")
        if self.body == "empty":
            return Response(b"", status, self.headers)
        return error_response(status, self.message, self.headers)

    def _fits(self, method: str, path: str, license_id: str | None, page: int) -> bool:
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.license is None or self.license == license_id)
            and (self.page is None or self.page == page)
        )


def fault_from(values: dict[str, Any]) -> Fault:
    """A fault from its JSON form."""
    known = {item.name for item in fields(Fault)} - {"struck_count"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"no such fault setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return Fault(**values)


def shown(fault: Fault) -> dict[str, Any]:
    """A fault as JSON values."""
    return asdict(fault)
