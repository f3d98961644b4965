"""Compare what an example expects with the answer: exact decimals, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any

from chargeback.examples.cases import Answer

# Digits of a number that are written out.
_LONGEST = 60
_UNALLOCATED, _ROUNDING = "__unallocated__", "__rounding__"


def found(answer: Answer, expected: object) -> Any:
    """The form of the answer that has the form of what is expected."""
    if isinstance(expected, list):
        if answer.items is None:
            return None
        pairs = zip_longest(answer.items, expected[: len(answer.items)])
        return [_figure(item, wanted) for item, wanted in pairs]
    if isinstance(expected, Mapping):
        names = set(map(str, expected))
        if names & set(answer.figures) and not names <= set(answer.shares or ()):
            return {
                name: _figure(_named(answer, str(name), wanted), wanted) for name, wanted in expected.items()
            }
        return None if answer.shares is None else _as_named(answer.shares, expected)
    return answer.number


def are_equal(got: object, expected: object) -> bool:
    """Whether two values are the same numbers and names; 1.50 is 1.5, and "1.5" is a number too."""
    return _plain(got) == _plain(expected)


def text(value: object) -> str:
    """A value in one short line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {text(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(text, value)) + "]"
    number = _number(value)
    if number is None or abs(number.adjusted()) > _LONGEST:
        return "nothing" if value is None else str(value)
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _named(answer: Answer, name: str, wanted: object) -> object:
    """The figure of a name; names with values under a name that is none of them are the shares."""
    return answer.figures.get(name, answer.shares if isinstance(wanted, Mapping) else None)


def _figure(value: object, expected: object) -> object:
    if isinstance(value, Answer):
        return found(value, expected)
    return (
        _as_named(value, expected) if isinstance(value, Mapping) and isinstance(expected, Mapping) else value
    )


def _as_named(shares: Mapping[str, Any], expected: Mapping[Any, Any]) -> dict[str, Any]:
    """Shares with the names of the example. Who owes nothing need not be named, nor a rounding row."""
    wanted = {str(name): value for name, value in expected.items()}
    nobody = {name: Decimal(0) for name in (_UNALLOCATED, _ROUNDING) if name in wanted}
    return {
        name: _figure(value, wanted.get(name))
        for name, value in {**nobody, **shares}.items()
        if name in wanted or (name != _ROUNDING and value != 0)
    }


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, bool):
        return str(value)
    number = _number(value)
    return value if number is None else number


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
