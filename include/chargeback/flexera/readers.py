"""Paths of the field map, compiled once into functions that read a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chargeback.errors import FinalError
from chargeback.flexera.values import shape

if TYPE_CHECKING:
    from chargeback.flexera.map_file import Column

Row = Mapping[str, Any]
Reader = Callable[[Row], Any]
_MOST_FORMS = 1000
ListReader = Callable[[Row], list[tuple[Any, ...]]]


class UnreadableRow(FinalError):  # noqa: N818 - the name says what happened
    """A row holds a value that its column cannot."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.args = (column, reason)  # what unpickling calls __init__ with
        self.column = column
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.column}: {self.reason}"


def column_reader(name: str, column: Column, paths: Iterable[str] | None = None) -> Reader:
    """A function that reads one column: the first path with a value, converted; null and "" are no value.

    Neither is an object that other paths of the column lead into; what it holds is read through those.
    """
    paths = list(column.paths if paths is None else paths)
    getters = tuple((_getter(path), _next_names(path, paths)) for path in paths)
    convert, default = column.convert, column.default
    if not getters:
        return lambda _: default

    def read(row: Row) -> Any:
        misfit = None
        for get, next_names in getters:
            value = get(row)
            if value is None or value == "":
                continue
            if type(value) is dict or type(value) is list:
                if not _is_led_into(value, next_names):
                    misfit = misfit or shape(value)
                continue
            try:
                converted = convert(value)
            except ValueError as error:
                raise UnreadableRow(name, str(error)) from None
            if converted is not None:
                return converted
        if misfit:
            raise UnreadableRow(name, f"{misfit} where one value is expected")
        return default

    return read


def _next_names(path: str, paths: Iterable[str]) -> frozenset[str]:
    """The names by which other paths go on from where this one ends."""
    start = f"{path}."
    return frozenset(other.removeprefix(start).split(".")[0] for other in paths if other.startswith(start))


def _is_led_into(value: Any, next_names: frozenset[str]) -> bool:
    """Whether a value is an object of the form that other paths expect; an empty one is."""
    return type(value) is dict and bool(next_names) and (not value or not next_names.isdisjoint(value))


class LineReader:
    """Reads many columns of a row at once.

    Rows come in few forms, told apart by which members hold something. Per form the paths that cannot lead
    anywhere are left out once, so that a long list of alternatives costs nothing on rows that lack them.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self._forms: dict[tuple[str, ...], list[Reader]] = {}

    def read(self, row: Row) -> tuple[Any, ...]:
        """The columns' values, in their order."""
        form = tuple([name for name, value in row.items() if value is not None])
        readers = self._forms.get(form) or self._compile(form)
        return tuple([read(row) for read in readers])

    def _compile(self, form: tuple[str, ...]) -> list[Reader]:
        readers = [
            column_reader(name, column, [path for path in column.paths if path.split(".")[0] in form])
            for name, column in self._columns.items()
        ]
        if len(self._forms) < _MOST_FORMS:
            self._forms[form] = readers
        return readers


def list_reader(columns: Mapping[str, Column]) -> ListReader:
    """A function that reads one list, a tuple of these columns per entry.

    An entry without the first column says nothing and is left out.
    """
    name = next(iter(columns))
    prefixes = dict.fromkeys(path.split("[]")[0] for path in columns[name].paths)
    lists = [
        (_getter(prefix), [_entry_reader(each, column, prefix) for each, column in columns.items()])
        for prefix in prefixes
    ]

    def read(row: Row) -> list[tuple[Any, ...]]:
        for get, readers in lists:
            entries = get(row)
            if entries is None:
                continue
            if type(entries) is not list:
                raise UnreadableRow(name, f"{shape(entries)} where a list is expected")
            found = [tuple([reader(entry) for reader in readers]) for entry in entries if entry is not None]
            return [values for values in found if values[0] is not None]
        return []

    return read


def finder(paths: Sequence[str]) -> Callable[[Row], bool]:
    """A function that tells whether a row has any of the paths; null on the way counts as having it."""
    walks = [path.split("[]")[0].split(".") for path in paths]
    return lambda row: any(_has(row, names) for names in walks)


def _has(row: Row, names: Sequence[str]) -> bool:
    value: Any = row
    for name in names:
        if value is None:
            return True
        if type(value) is not dict or name not in value:
            return False
        value = value[name]
    return True


def _getter(path: str) -> Reader:
    """A function that walks a dotted path; None where it breaks off."""
    names = path.split(".")
    if len(names) == 1:
        return lambda row: row.get(path)
    if len(names) == 2:
        first, second = names

        def get_two(row: Row) -> Any:
            inner = row.get(first)
            return inner.get(second) if type(inner) is dict else None

        return get_two

    def get_many(row: Row) -> Any:
        value: Any = row
        for name in names:
            if type(value) is not dict:
                return None
            value = value.get(name)
        return value

    return get_many


def _entry_reader(name: str, column: Column, prefix: str) -> Callable[[Any], Any]:
    """A function that reads a column of an entry: an object, or the value itself where a path ends in []."""
    suffixes = [path.removeprefix(f"{prefix}[]") for path in column.paths if path.split("[]")[0] == prefix]
    read_object = column_reader(name, column, [suffix.removeprefix(".") for suffix in suffixes if suffix])
    read_value = column_reader(name, column, [name]) if "" in suffixes else None

    def read(entry: Any) -> Any:
        if type(entry) is dict:
            return read_object(entry)
        if read_value is None:
            raise UnreadableRow(name, f"{shape(entry)} where an object is expected")
        return read_value({name: entry})

    return read
