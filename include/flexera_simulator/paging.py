"""Opaque cursors and the pages they lead to."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from flexera_simulator.envelope import ApiError
from flexera_simulator.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexera_simulator.settings import Settings

# What an odd cursor begins with: characters that mean something in an address, or are not allowed there.
ODD = 'é &#%2F+?"\\ '


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a list a page starts.

    `blank` counts the empty pages that still come before its rows, `order` names the order of the rows, and
    `epoch` the time its cursor is good for.
    """

    list_name: str
    start: int
    size: int
    number: int
    blank: int = 0
    order: int = 0
    epoch: int = 0

    def following(self, blank: int = 0) -> Position:
        """The next page, after so many empty ones."""
        if self.blank:
            return replace(self, number=self.number + 1, blank=self.blank - 1)
        return replace(self, start=self.start + self.size, number=self.number + 1, blank=blank)

    def token(self, style: str = "encoded") -> str:
        """The cursor; it holds `+`, `/` and `=`, so a caller who does not encode it fails."""
        numbers = (self.start, self.size, self.number, self.blank, self.order, self.epoch)
        text = "|".join([self.list_name, *map(str, numbers)])
        if style == "raw":
            return f"{text}/{_seal(text)}="
        encoded = base64.b64encode(text.encode()).decode().rstrip("=") + f"+/{_seal(text)}=="
        return ODD + encoded if style == "odd" else encoded


def position_of(token: str, list_name: str) -> Position:
    """The position a cursor of this list stands for."""
    text, seal = _opened(token.removeprefix(ODD))
    if seal != _seal(text) or text.split("|")[0] != list_name:
        raise ApiError(400, "skipToken is not valid")
    return Position(list_name, *(int(part) for part in text.split("|")[1:]))


def requested_size(params: dict[str, str], settings: Settings) -> int:
    """The rows on a page, from the first request's `limit`; a cursor has its own and ignores another."""
    if "skipToken" in params:
        return 0
    limit = params.get("limit", str(settings.page_size))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= settings.max_page_size):
        raise ApiError(400, f"limit must be a whole number from 1 to {settings.max_page_size}")
    return int(limit) if settings.limit_counts else settings.page_size


def array_body(rows: Iterable[bytes]) -> bytes:
    """A bare array of rows."""
    return b"[" + b",".join(rows) + b"]"


def envelope_body(rows: Iterable[bytes], next_page: bytes | None) -> bytes:
    """A page of rows; `next_page` is JSON text, None leaves it out."""
    tail = b"" if next_page is None else b',"nextPage":' + next_page
    return b'{"values":[' + b",".join(rows) + b"]" + tail + b"}"


def next_page_json(
    path: str, position: Position, is_last: bool, base_url: str, settings: Settings
) -> bytes | None:
    """The nextPage member as the settings want it written."""
    if is_last and settings.next_page not in ("same_page", "circle"):
        return {"absent": None, "null": b"null", "empty": b'""'}[settings.last_page]
    target = position.following(settings.empty_pages)
    if settings.next_page == "same_page":
        target = position
    elif is_last:
        target = replace(position, start=0, number=1)
    hosts = {"absolute": base_url.rstrip("/"), "foreign_host": settings.foreign_host}
    token = target.token(settings.cursor)
    written = token if settings.cursor == "raw" else quote(token, safe="")
    return encode(f"{hosts.get(settings.next_page, '')}{path}?skipToken={written}")


def _opened(token: str) -> tuple[str, str]:
    """What a cursor says, and its seal."""
    if "|" in token:
        text, _, seal = token.removesuffix("=").rpartition("/")
        return text, seal
    body, _, seal = token.removesuffix("==").partition("+/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode(), seal
    except ValueError:
        raise ApiError(400, "skipToken is not valid") from None


def _seal(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4, key=b"simulated cursor").hexdigest()
