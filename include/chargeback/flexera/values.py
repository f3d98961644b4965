"""One JSON value made what its column holds, or refused with a reason."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
)
from typing import TYPE_CHECKING, Any

from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What fits of an id is 38 digits, none further than 38 places from the point; any more is an error, never a rounding.
_FITTING = Context(prec=38, Emax=38, Emin=-38, traps=[Inexact, InvalidOperation, Overflow, Subnormal])
# What BI clients take of a figure: 28 digits, 12 of them decimals. More decimals are rounded, here and nowhere else.
_SHOWABLE = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
_SMALLEST = Decimal("1e-12")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST_NUMBER = 100
_CURRENCY_CODE = re.compile(r"[A-Za-z]{3}")
_LONGEST_SIGN = 4  # such as US$
_LARGEST_TEXT = 10**_LONGEST_NUMBER
_SHOWN_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value in the text of a row that no column can hold, and the reason."""

    reason: str


def to_text(value: Any) -> str | None:
    """Text as it came; NUL, which PostgreSQL cannot store, becomes U+FFFD."""
    if type(value) is str:
        return value.replace("\0", "\ufffd") if "\0" in value else value
    if type(value) is bool:
        raise ValueError("true or false where text is expected")
    if not -_LARGEST_TEXT < value < _LARGEST_TEXT:
        raise ValueError("a number has more digits than fit")
    return str(value)


def to_id(value: Any) -> str | None:
    """Text as it came; a number without the fraction and exponent that some writers give whole ones."""
    if type(value) is not Decimal:
        return to_text(value)
    whole, _, fraction = f"{_fitting(value):f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else "0" if whole == "-0" else whole


def to_currency(value: Any) -> str | None:
    """A code of three letters, or a sign; any other text names no currency that a cost could be charged in."""
    text = (to_text(value) or "").strip()
    if text and not _CURRENCY_CODE.fullmatch(text) and not _has_currency_sign(text):
        raise ValueError(f"{shown(text)} is no currency")
    return text or None


def to_enum(value: Any) -> str | None:
    """Text without the square brackets that some endpoints put around it."""
    text = to_text(value)
    if text is not None and text[:1] == "[" and text[-1:] == "]":
        return text[1:-1].strip() or None
    return text


def to_number(value: Any) -> Decimal | None:
    """A number, exact to 12 decimals; text that is one is taken."""
    if type(value) is str:
        value = value.strip()
        if not value:
            return None
        if len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
            raise ValueError(f"{shown(value)} is not a number")
    elif type(value) is bool:
        raise ValueError("true or false where a number is expected")
    return _showable(value)


def to_date(value: Any) -> date | None:
    """The date as written, whatever the time and zone behind it; the year 1 is how .NET says none."""
    if type(value) is not str:
        raise ValueError(f"{shape(value)} where a date is expected")
    day, rest = value[:10], value[10:11]
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{shown(value)} is not a date") from None
    if len(day) < 10 or rest not in ("", "T", " "):
        raise ValueError(f"{shown(value)} is not a date")
    return None if parsed.year == 1 else parsed


def boolean_by(words: Mapping[str, bool]) -> Callable[[Any], bool | None]:
    """A converter to true or false that takes these words for them, and numbers written as words."""

    def to_boolean(value: Any) -> bool | None:
        if type(value) is bool:
            return value
        word = (value if type(value) is str else to_id(value) or "").strip().casefold()
        if not word:
            return None
        if word not in words:
            raise ValueError(f"{shown(value)} is neither true nor false")
        return words[word]

    return to_boolean


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "id": to_id,
    "text": to_text,
    "enum": to_enum,
    "currency": to_currency,
    "quantity": to_number,
    "money": to_number,
    "date": to_date,
}


def shape(value: Any) -> str:
    """What a value is, for messages that must not repeat the value."""
    if isinstance(value, Unreadable):
        return value.reason
    if isinstance(value, dict):
        names = plain(", ".join(sorted(value)[:5]), 100)
        return f"an object with {names}" if names else "an empty object"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "a list" if isinstance(value, list) else "text" if isinstance(value, str) else "a number"


def misfit(value: Any, expected: str, *, of: str = "") -> str:
    """The reason why a value of this shape is not the expected one, `of` the member it is at."""
    if isinstance(value, Unreadable):
        return f"{of}: {value.reason}" if of else value.reason
    found = f"{of} is {shape(value)}" if of else shape(value)
    return f"{found} where {expected} is expected"


def shown(value: object) -> str:
    """A value short enough for a message."""
    return plain(repr(value[:_SHOWN_LENGTH]) if isinstance(value, str) else value, _SHOWN_LENGTH)


def _has_currency_sign(text: str) -> bool:
    return len(text) <= _LONGEST_SIGN and any(unicodedata.category(letter) == "Sc" for letter in text)


def _fitting(value: Any) -> Decimal:
    try:
        return _FITTING.create_decimal(value)
    except DecimalException:
        raise ValueError(f"{shown(value)} has more digits than fit") from None


def _showable(value: Any) -> Decimal:
    try:
        number = Decimal(value)
        rounded = number.quantize(_SMALLEST, context=_SHOWABLE)
    except DecimalException:
        raise ValueError(f"{shown(value)} has more than 16 digits before the point") from None
    return rounded if rounded != number or int(number.as_tuple().exponent) < -12 else number
