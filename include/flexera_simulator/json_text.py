"""JSON as bytes, with decimals written as exact number literals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from decimal import Decimal

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(value: Any) -> bytes:
    """The compact JSON text of a value."""
    return _ENCODER.encode(value)


def decimal_text(value: Decimal) -> str:
    """A decimal as plain text, without an exponent."""
    return format(value, "f")
