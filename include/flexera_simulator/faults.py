"""Faults: which requests they strike and what they do to the answer."""

from __future__ import annotations

import gzip
import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from flexera_simulator.envelope import ERROR_TYPE, envelope
from flexera_simulator.json_text import encode
from flexera_simulator.wire import Wire, WireResponse

if TYPE_CHECKING:
    from flexera_simulator.settings import Settings

PAGES = {
    "html": "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Try later.</body></html>",
    "login": (
        "<!DOCTYPE html><html><head><title>Sign in</title></head><body>"
        '<form action="/login" method="post"><input name="user"><input type="password"></form></body></html>'
    ),
}
BODIES = ("envelope", "empty", *PAGES)
GZIP_BODIES = ("cut", "false")
FOREIGN_HOST = "foreign_host"


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule; every condition that is set must hold, and it strikes `times` times (None: always)."""

    method: str | None = None
    path: str | None = None
    license: str | None = None
    page: int | None = None
    after: int = 0
    times: int | None = 1

    # another answer in place of the real one
    status: int | None = None
    body: str = "envelope"
    message: str = "a fault was ordered"
    temporary: bool | None = None
    headers: dict[str, str] | None = None
    replace_body: str | None = None
    content_type: str | None = None
    not_found: bool = False
    redirect_to: str | None = None

    # the answer spoilt on its way
    delay_seconds: float = 0.0
    truncate_json: bool = False
    gzip_body: str | None = None
    cut_body_after: int | None = None
    reset_after: int | None = None
    length_error: int = 0
    pause_after: int | None = None
    pause_every: int | None = None
    pause_seconds: float = 0.0
    slow_headers: bool = False

    # what else happens
    revoke_tokens: bool = False
    expire_cursors: bool = False
    delists: bool = False  # once it has struck, the license list no longer holds the license

    struck_count: int = 0

    def __post_init__(self) -> None:
        if self.body not in BODIES:
            raise ValueError(f"body must be one of {', '.join(BODIES)}")
        if self.gzip_body not in (None, *GZIP_BODIES):
            raise ValueError(f"gzip_body must be one of {', '.join(GZIP_BODIES)}")
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

    def answer(self, path: str, settings: Settings) -> Response | None:
        """The answer that takes the place of the real one; None where the real one is sent, or spoilt."""
        if self.not_found:
            return self._error(404, "not found")
        if self.redirect_to is not None:
            host = settings.foreign_host if self.redirect_to == FOREIGN_HOST else self.redirect_to
            headers = {**(self.headers or {}), "location": f"{host}{path}"}
            return Response(b"", self.status or 303, headers)
        if self.replace_body is not None:
            kind = self.content_type or "application/json"
            return Response(self.replace_body.encode(), self.status or 200, self.headers, kind)
        if self.status is None and self.body == "envelope":
            return None
        return self._status_answer(self.status or 200)

    def spoil(self, response: Response) -> Response:
        """The answer as it goes out."""
        if self.truncate_json:
            body = bytes(response.body)
            kind = response.media_type
            response = Response(body[: len(body) * 2 // 3], response.status_code, media_type=kind)
        if self.gzip_body is not None:
            response = self._as_gzip(response)
        wire = Wire(
            cut_after=self.cut_body_after,
            reset_after=self.reset_after,
            length_error=self.length_error,
            pause_after=self.pause_after,
            pause_every=self.pause_every,
            pause_seconds=self.pause_seconds,
            slow_headers=self.slow_headers,
        )
        return response if wire == Wire() else WireResponse(response, wire)

    def _status_answer(self, status: int) -> Response:
        if self.body in PAGES:
            return Response(PAGES[self.body], status, self.headers, "text/html")
        if self.body == "empty":
            return Response(b"", status, self.headers)
        return self._error(status, self.message)

    def _error(self, status: int, message: str) -> Response:
        document = envelope(status, message)
        if self.temporary is not None:
            document["temporary"] = self.temporary
        return Response(encode(document), status, self.headers, self.content_type or ERROR_TYPE)

    def _as_gzip(self, response: Response) -> Response:
        body = bytes(response.body)
        if self.gzip_body == "cut":
            packed = gzip.compress(body, mtime=0)
            body = packed[: len(packed) // 2]
        headers = {"content-encoding": "gzip"}
        return Response(body, response.status_code, headers, response.media_type)

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
