"""The inputs of an example, read with patience: numbers as text, one value or many, by any of their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

# What an entry of a list may be called by.
_NAMES = ("name", "id", "node", "account")
# How sources write that there is no bound.
_ENDLESS = ("inf", "infinity", "infinite", "unlimited", "none")


class InputError(Exception):
    """An example cannot be calculated; the message says which input is missing or wrong."""


class Inputs:
    """A mapping that knows which of its names were asked for."""

    def __init__(self, values: object, what: str = "inputs") -> None:
        if not isinstance(values, Mapping):
            raise InputError(f"{what} must be names with values")
        self._values: dict[str, Any] = {str(name): _value(value) for name, value in values.items()}
        self._asked: dict[str, str] = {}

    def asked(self) -> list[str]:
        """What was asked for, in that order, each by the first of its names."""
        return list(dict.fromkeys(self._asked.values()))

    def unread(self) -> list[str]:
        """The names nobody asked for."""
        return [name for name in self._values if name not in self._asked]

    def is_given(self, *names: str) -> bool:
        """Whether one of the names is there, if only with null or an empty list."""
        self._ask(names)
        return any(name in self._values for name in names)

    def _ask(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._asked.setdefault(name, names[0])

    def has(self, *names: str) -> bool:
        """Whether one of the names has a value."""
        return self.value(*names) is not None

    def value(self, *names: str) -> Any:
        """The value of the first of the names that has one; None for none."""
        self._ask(names)
        return next((self._values[name] for name in names if self._values.get(name) is not None), None)

    def number(self, *names: str, default: object = ...) -> Decimal:
        """A number; without a default it must be there."""
        value = self.value(*names)
        if value is None and default is not ...:
            value = default
        if value is None:
            raise InputError(f"input {names[0]} is missing")
        return number(value, names[0])

    def positive(self, *names: str, default: object = ...) -> Decimal:
        """A number above 0, such as what something is divided by."""
        result = self.number(*names, default=default)
        if result <= 0:
            raise InputError(f"input {names[0]} is {result}, not more than 0")
        return result

    def number_or_none(self, *names: str) -> Decimal | None:
        """A number, or None where the example gives none."""
        value = self.value(*names)
        return None if value is None else number(value, names[0])

    def limit(self, *names: str, default: Decimal | None) -> Decimal | None:
        """How many at most; None for a null, .inf or `unlimited`, and the default where nothing is said."""
        if not self.is_given(*names):
            return default
        return limit(self.value(*names), names[0])

    def numbers(self, *names: str) -> list[Decimal]:
        """A list of numbers; a single number is a list of one, and of a mapping the values count."""
        value = self.value(*names)
        if value is None:
            raise InputError(f"input {names[0]} is missing")
        if isinstance(value, Mapping):
            value = list(value.values())
        return [number(item, names[0]) for item in (value if isinstance(value, list) else [value])]

    def flag(self, *names: str, default: bool) -> bool:
        """A yes or no."""
        value = self.value(*names)
        return default if value is None else flag(value, names[0])

    def text(self, *names: str, default: str) -> str:
        """A word in lower case."""
        value = self.value(*names)
        return default if value is None else str(value).strip().lower()

    def entries(self, *names: str, prefix: str) -> list[tuple[str, Any]]:
        """Named entries: of a mapping as they are; of a list by the name each has, or its position."""
        value = self.value(*names)
        if value is None:
            return []
        if isinstance(value, Mapping):
            return [(str(name), entry) for name, entry in value.items()]
        if not isinstance(value, list):
            value = [value]
        return list(_numbered(value, prefix))

    def with_value(self, name: str, value: object) -> Inputs:
        """The same inputs with another value of one of them."""
        changed = Inputs({**self._values, name: value})
        changed._asked = self._asked
        return changed


def entry(value: object, scalar: str) -> Inputs:
    """An entry of a list: names with values, or the one number that `scalar` stands for."""
    return Inputs(value if isinstance(value, Mapping) else {scalar: value})


def number(value: object, name: str) -> Decimal:
    """An exact number, however it is written."""
    if not isinstance(value, bool) and isinstance(value, int | float | str | Decimal):
        with suppress(InvalidOperation):
            result = Decimal(str(value).strip())
            if result.is_finite():
                return result
    shown = repr(value) if isinstance(value, str) else value
    raise InputError(f"input {name} is {shown}, not a number")


def limit(value: object, name: str) -> Decimal | None:
    """A number that bounds something; None where it has no bound."""
    is_endless = value is None or str(value).strip().lower() in _ENDLESS
    return None if is_endless else number(value, name)


def flag(value: object, name: str) -> bool:
    """Yes or no, however it is written."""
    words = {
        "true": True,
        "yes": True,
        "y": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "n": False,
        "off": False,
        "0": False,
    }
    word = str(value).strip().lower()
    if word not in words:
        raise InputError(f"input {name} is {value!r}, not true or false")
    return words[word]


def _value(value: object) -> object:
    """An empty text is no value."""
    return None if isinstance(value, str) and not value.strip() else value


def _numbered(values: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for position, value in enumerate(values, start=1):
        name = None
        if isinstance(value, Mapping):
            name = next((value[key] for key in _NAMES if value.get(key) is not None), None)
        yield str(name) if name is not None else f"{prefix}{position}", value
