"""The inputs of an example, read with patience: numbers as text, one value or many, by any of their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

# What an entry of a list may be called by.
_NAMES = ("name", "id", "node", "account")
# How sources write that there is no bound.
_ENDLESS = ("inf", "infinity", "infinite", "unlimited", "none")


class InputError(Exception):
    """An example cannot be calculated; the message says which input is missing or wrong."""


class _Named(dict[str, Any]):
    """Names with values, at any depth of an example, and which of them have been read."""

    def __init__(self, values: Mapping[Any, Any]) -> None:
        super().__init__((str(name), _tracked(value)) for name, value in values.items())
        self.asked: dict[str, str] = {}
        self.read: set[str] = set()
        self.is_opened = False

    def unread(self) -> Iterator[str]:
        """The names with a value that nobody has read, those inside of others behind a dot."""
        for name, value in self.items():
            if name not in self.read:
                yield from [] if value is None or value in ([], {}) else [name]
            else:
                yield from (f"{name}.{inner}" for inner in _unread_in(value))


def _unread_in(value: object) -> Iterator[str]:
    """What is unread in the entries of a list or a mapping, or in the inputs that a mapping is."""
    if isinstance(value, _Named) and value.is_opened:
        yield from value.unread()
    elif isinstance(value, list | _Named):
        for inner in value.values() if isinstance(value, _Named) else value:
            yield from _unread_in(inner)


class Inputs:
    """A mapping that knows which of its names were read, and of the mappings in it."""

    def __init__(self, values: object, what: str = "inputs") -> None:
        if not isinstance(values, Mapping):
            raise InputError(f"{what} must be names with values")
        self._values = values if isinstance(values, _Named) else _Named(values)
        self._values.is_opened = True

    def asked(self) -> list[str]:
        """What was asked for, in that order, each by the first of its names."""
        return list(dict.fromkeys(self._values.asked.values()))

    def unread(self) -> list[str]:
        """The names that have had no part in the answer; of two names of the same input, the second."""
        return list(dict.fromkeys(self._values.unread()))

    def is_given(self, *names: str) -> bool:
        """Whether one of the names is there, if only with null or an empty list."""
        self._ask(names)
        return any(name in self._values for name in names)

    def _ask(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._values.asked.setdefault(name, names[0])

    def has(self, *names: str) -> bool:
        """Whether one of the names has a value."""
        self._ask(names)
        return any(self._values.get(name) is not None for name in names)

    def value(self, *names: str) -> Any:
        """The value of the first of the names that has one; None for none."""
        self._ask(names)
        for name in names:
            if self._values.get(name) is not None:
                self._values.read.add(name)
                return self._values[name]
        return None

    def missing(self, name: str) -> InputError:
        """That an input is missing, and what is given instead, perhaps under a name that is not known."""
        given = [known for known, value in self._values.items() if value is not None]
        return InputError(f"input {name} is missing" + (f"; given: {', '.join(given)}" if given else ""))

    def number(self, *names: str, default: object = ...) -> Decimal:
        """A number; without a default it must be there."""
        value = self.value(*names)
        if value is None and default is not ...:
            value = default
        if value is None:
            raise self.missing(names[0])
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
            raise self.missing(names[0])
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

    def by_entry(self, figures: Mapping[str, tuple[str, ...]]) -> dict[str, Inputs]:
        """Inputs of each of several things, of which one mapping holds one figure by their names."""
        columns = {figure: self.value(*names) for figure, names in figures.items()}
        columns = {figure: values for figure, values in columns.items() if isinstance(values, Mapping)}
        entries = dict.fromkeys(name for values in columns.values() for name in values)
        return {
            name: Inputs({figure: values[name] for figure, values in columns.items() if name in values})
            for name in entries
        }

    def lists(self) -> dict[str, list[Any]]:
        """The inputs that are lists, but for those that have tiers in them."""
        return {
            name: value for name, value in self._values.items() if isinstance(value, list) and name != "tiers"
        }

    def with_value(self, name: str, value: object) -> Inputs:
        """The same inputs with another value of one of them; what is read of them is read of these."""
        return self._with({name: value})

    def with_row(self, names: Sequence[str], row: Sequence[object]) -> Inputs:
        """The same inputs for a row of a table that some of them are: a number each, or inputs of its own."""
        self._values.read.update(names)
        changed = self
        for name, value in zip(names, row, strict=True):
            changed = changed._with({name: value} if not isinstance(value, _Named) else {name: None}, value)
        return changed

    def merged(self, entry: object, scalar: str) -> Inputs:
        """The inputs of an entry of a list, and those of all entries where it has none itself."""
        return self._with({} if isinstance(entry, _Named) else {scalar: entry}, entry)

    def _with(self, values: Mapping[str, object], entry: object = None) -> Inputs:
        own = entry if isinstance(entry, _Named) else _Named({})
        changed = _Named({**self._values, **values, **own})
        changed.asked, changed.read = self._values.asked, self._values.read
        changed.read |= own.read
        own.asked, own.read, own.is_opened = changed.asked, changed.read, True
        return Inputs(changed)


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


def is_number(value: object) -> bool:
    """Whether a value is a number, if only as a text."""
    try:
        number(value, "")
    except InputError:
        return False
    return True


def _tracked(value: object) -> object:
    """The value with its mappings knowing what is read of them; an empty text is no value."""
    if isinstance(value, Mapping):
        return value if isinstance(value, _Named) else _Named(value)
    if isinstance(value, list):
        return [_tracked(inner) for inner in value]
    return None if isinstance(value, str) and not value.strip() else value


def _numbered(values: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for position, value in enumerate(values, start=1):
        name = Inputs(value).value(*_NAMES) if isinstance(value, Mapping) else None
        yield str(name) if name is not None else f"{prefix}{position}", value
