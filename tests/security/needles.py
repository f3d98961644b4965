"""Secrets in every form in which a log, an error or a table may hold them."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# A secret that a message cuts off is still a leak, so its beginning and its end are looked for, too.
PIECE_LENGTH = 14
JSON_QUOTES = slice(1, -1)


class Needles:
    """What must not be found anywhere."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._pieces = {
            piece: f"{name}, {form}"
            for name, secret in secrets.items()
            for form, text in forms(secret).items()
            for piece in _pieces(text)
        }

    def in_(self, data: bytes) -> list[str]:
        """The secrets that some bytes hold, each with the form it is in."""
        return sorted({name for piece, name in self._pieces.items() if piece in data})

    def in_places(self, places: Iterable[tuple[str, bytes]]) -> list[str]:
        """What was found where, one line each."""
        return [f"{where}: {found}" for where, data in places for found in self.in_(data)]


def forms(secret: str) -> dict[str, bytes]:
    """A secret as it is, and as the encodings of the web and of logs write it."""
    texts = {
        "plain": secret,
        "in JSON": json.dumps(secret)[JSON_QUOTES],
        "in JSON with accents": json.dumps(secret, ensure_ascii=False)[JSON_QUOTES],
        "in JSON in JSON": json.dumps(json.dumps(secret)[JSON_QUOTES])[JSON_QUOTES],
        "in a URL": quote(secret, safe=""),
        "in a URL's path": quote(secret),
        "in a form": quote_plus(secret),
        "in a URL, small letters": _small_escapes(quote(secret, safe="")),
        "in HTML": html.escape(secret),
        "in Python": repr(secret)[JSON_QUOTES],
    }
    encoded = {name: text.encode() for name, text in texts.items()}
    encoded["in hexadecimal"] = secret.encode().hex().encode()
    return encoded | dict(_base64_forms(secret.encode()))


def _base64_forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Base64 of anything that holds the secret: what comes before it shifts it by 0, 1 or 2 bytes."""
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        shifted = b"\0" * shift + secret
        is_padded = len(shifted) % 3 != 0
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            text = encode(shifted).rstrip(b"=")
            yield f"in {name}, shifted by {shift}", text[first:-1] if is_padded else text[first:]


def _pieces(text: bytes) -> set[bytes]:
    return {text[:PIECE_LENGTH], text[-PIECE_LENGTH:]}


def _small_escapes(quoted: str) -> str:
    parts = quoted.split("%")
    return "%".join([parts[0], *[part[:2].lower() + part[2:] for part in parts[1:]]])
