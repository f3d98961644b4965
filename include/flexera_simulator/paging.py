"""Opaque cursors and the pages they lead to."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from flexera_simulator.envelope import ApiError
from flexera_simulator.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexera_simulator.settings import Settings

FOREIGN_HOST = "https://elsewhere.example"


@dataclass(frozen=True, slots=True)
class Position:
    """Where in a list a page starts."""

    list_name: str
    start: int
    size: int
    number: int

    def following(self) -> Position:
        return Position(self.list_name, self.start + self.size, self.size, self.number + 1)

    def token(self) -> str:
        """The cursor; it holds `+`, `/` and `=`, so a caller who does not encode it fails."""
        text = f"{self.list_name}|{self.start}|{self.size}|{self.number}"
        return base64.b64encode(text.encode()).decode().rstrip("=") + f"+/{_seal(text)}=="


def position_of(token: str, list_name: str) -> Position:
    """The position a cursor of this list stands for."""
    body, _, seal = token.removesuffix("==").partition("+/")
    try:
        text = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode()
    except ValueError:
        raise ApiError(400, "skipToken is not valid") from None
    if seal != _seal(text) or text.split("|")[0] != list_name:
        raise ApiError(400, "skipToken is not valid")
    start, size, number = (int(part) for part in text.split("|")[1:])
    return Position(list_name, start, size, number)


def requested(params: dict[str, str], list_name: str, settings: Settings) -> Position:
    """The page a request asks for; `limit` counts on the first page only, as the cursor keeps it."""
    if "skipToken" in params:
        return position_of(params["skipToken"], list_name)
    limit = params.get("limit", str(settings.page_size))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= settings.max_page_size):
        raise ApiError(400, f"limit must be a whole number from 1 to {settings.max_page_size}")
    return Position(list_name, 0, int(limit), 1)


def envelope_body(rows: Iterable[bytes], next_page: bytes | None) -> bytes:
    """A page of rows; `next_page` is JSON text, None leaves it out."""
    tail = b"" if next_page is None else b',"nextPage":' + next_page
    return b'{"values":[' + b",".join(rows) + b"]" + tail + b"}"


def next_page_json(
    path: str, position: Position, is_last: bool, base_url: str, settings: Settings
) -> bytes | None:
    """The nextPage member as the settings want it written."""
    if is_last and settings.next_page != "same_page":
        return {"absent": None, "null": b"null", "empty": b'""'}[settings.last_page]
    target = position if settings.next_page == "same_page" else position.following()
    host = {"absolute": base_url.rstrip("/"), "foreign_host": FOREIGN_HOST}.get(settings.next_page, "")
    return encode(f"{host}{path}?skipToken={quote(target.token(), safe='')}")


def _seal(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4, key=b"simulated cursor").hexdigest()
