"""Takes secrets out of what a server said, before anyone reads it."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_MASK = "***"
_LEAST_ENCODED_LENGTH = 8  # less of an encoded secret tells nothing, and may stand in any text


def redacted(text: str, *secrets: str) -> str:
    """The text without the secrets, as they are and as forms, addresses, documents and headers write them."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, _MASK)
    return text


def _forms(secret: str) -> set[str]:
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {
        secret,
        *quoted,
        *map(_with_small_escapes, quoted),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        *_base64_forms(secret.encode()),
    }


def _with_small_escapes(quoted: str) -> str:
    """%2f instead of %2F: both are in use."""
    first, *others = quoted.split("%")
    return "%".join([first, *[other[:2].lower() + other[2:] for other in others]])


def _base64_forms(secret: bytes) -> Iterator[str]:
    """What the secret becomes in base64 of a longer text, such as id:secret.

    What stands before it shifts it by 0, 1 or 2 bytes. Characters shared with its neighbors are left out.
    """
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        shifted = bytes(shift) + secret
        end = None if len(shifted) % 3 == 0 else -1
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            form = encode(shifted).decode().rstrip("=")[first:end]
            if len(form) >= _LEAST_ENCODED_LENGTH:
                yield form
