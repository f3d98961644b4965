"""Paths of the field map, compiled once into functions that read a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chargeback.errors import FinalError
from chargeback.flexera.values import Unreadable, misfit

if TYPE_CHECKING:
    from chargeback.flexera.map_file import Column

Row = Mapping[str, Any]
Reader = Callable[[Row], Any]
# How the names of columns that hold the path of a group end.
_GROUPS = ("_location", "_cost_center", "_corporate_unit")
ListReader = Callable[[Row], list[tuple[Any, ...]]]
_MOST_FORMS = 1000


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
    getters = tuple(
        (_getter(path), _next_names(path, paths), _converter(name, column, path)) for path in paths
    )
    default = column.default
    if not getters:
        return lambda _: default

    def read(row: Row) -> Any:
        odd = None
        for get, next_names, convert in getters:
            value = get(row)
            if value is None or value == "":
                continue
            if type(value) in _NO_SINGLE_VALUES:
                if odd is None and not _is_led_into(value, next_names):
                    odd = value
                continue
            try:
                converted = convert(value)
            except ValueError as error:
                raise UnreadableRow(name, str(error)) from None
            if converted is not None:
                return converted
        if odd is not None:
            raise UnreadableRow(name, misfit(odd, "one value"))
        return default

    return read


_NO_SINGLE_VALUES = frozenset({dict, list, Unreadable})


def _converter(name: str, column: Column, path: str) -> Callable[[Any], Any]:
    """The column's conversion; a slash in the name of a group, which is no path, is written \\/ as paths write it."""
    if not name.endswith(_GROUPS) or not path.endswith(".name"):
        return column.convert
    return lambda value: (column.convert(value) or "").replace("/", "\\/") or None


def _next_names(path: str, paths: Iterable[str]) -> frozenset[str]:
    """The names by which other paths go on from where this one ends."""
    start = f"{path}."
    return frozenset(other.removeprefix(start).split(".")[0] for other in paths if other.startswith(start))


def _is_led_into(value: Any, next_names: frozenset[str]) -> bool:
    """True for an object of the form that other paths expect; an empty one is."""
    return type(value) is dict and bool(next_names) and (not value or not next_names.isdisjoint(value))


class RowReader:
    """Reads many columns of a row at once.

    Rows come in few forms, told apart by which members hold something. Per form the paths that cannot lead
    anywhere are left out once, so that a long list of alternatives costs nothing on rows that lack them.
    A row with an odd value is read again column by column.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self._forms: dict[tuple[str, ...], tuple[list[Reader], list[Reader]]] = {}
        self._careful = {name: _careful_reader(name, column) for name, column in columns.items()}

    def read(self, row: Row) -> tuple[tuple[Any, ...], list[UnreadableRow]]:
        """The columns' values in their order, and what makes optional ones of them null.

        Raises UnreadableRow where an essential one cannot be read.
        """
        form = tuple([name for name, value in row.items() if value is not None])
        readers, objects = self._forms.get(form) or self._compile(form)
        for get in objects:
            value = get(row)
            if type(value) is not dict and value is not None:
                return self._read_carefully(row)
        try:
            return tuple([read(row) for read in readers]), []
        except UnreadableRow:
            return self._read_carefully(row)

    def _compile(self, form: tuple[str, ...]) -> tuple[list[Reader], list[Reader]]:
        columns = {
            name: [path for path in column.paths if path.split(".")[0] in form]
            for name, column in self._columns.items()
        }
        objects = dict.fromkeys(path for paths in columns.values() for path in _objects_on(paths))
        compiled = (
            [column_reader(name, self._columns[name], paths) for name, paths in columns.items()],
            [_getter(path) for path in objects],
        )
        if len(self._forms) < _MOST_FORMS:
            self._forms[form] = compiled
        return compiled

    def _read_carefully(self, row: Row) -> tuple[tuple[Any, ...], list[UnreadableRow]]:
        values, odd = [], []
        for name, read in self._careful.items():
            try:
                values.append(read(row))
            except UnreadableRow as error:
                if self._columns[name].is_essential:
                    raise
                values.append(None)
                odd.append(error)
        return tuple(values), odd


def _careful_reader(name: str, column: Column) -> Reader:
    """A function that reads one column, and sees where a path meets something else than an object."""
    read_value = column_reader(name, replace(column, default=None))
    objects = [(path, _getter(path)) for path in _objects_on(column.paths)]

    def read(row: Row) -> Any:
        value = read_value(row)
        if value is not None:
            return value
        for path, get in objects:
            found = get(row)
            if found is not None and found != "" and type(found) is not dict:
                raise UnreadableRow(name, misfit(found, "an object", of=path))
        return column.default

    return read


def _objects_on(paths: Iterable[str]) -> list[str]:
    """The paths of the objects that these paths lead through, but for those that may hold a value themselves."""
    paths = list(paths)
    steps = [path.split(".") for path in paths]
    through = dict.fromkeys(".".join(names[:count]) for names in steps for count in range(1, len(names)))
    return [path for path in through if path not in paths]


def list_reader(columns: Mapping[str, Column]) -> Callable[[Row, list[UnreadableRow]], list[tuple[Any, ...]]]:
    """A function that reads one list, a tuple of these columns per entry, and adds what made optional ones null.

    An entry without the first column says nothing and is left out.
    """
    name = next(iter(columns))
    prefixes = dict.fromkeys(path.split("[]")[0] for path in columns[name].paths)
    lists = [
        (_getter(prefix), [_entry_reader(each, column, prefix) for each, column in columns.items()])
        for prefix in prefixes
    ]

    def read(row: Row, odd: list[UnreadableRow]) -> list[tuple[Any, ...]]:
        for get, readers in lists:
            entries = get(row)
            if entries is None or entries == "" or entries == {}:
                continue
            if type(entries) is not list:
                raise UnreadableRow(name, misfit(entries, "a list"))
            found = [
                tuple([reader(entry, odd) for reader in readers]) for entry in entries if entry is not None
            ]
            return [values for values in found if values[0] is not None]
        return []

    return read


def finder(paths: Sequence[str]) -> Callable[[Row], bool]:
    """A function that tells if a row has any of the paths; one that ends early at a value counts as there."""
    walks = [path.split("[]")[0].split(".") for path in paths]
    return lambda row: any(_has(row, names) for names in walks)


def _has(row: Row, names: Sequence[str]) -> bool:
    if type(row) is not dict or names[0] not in row:
        return False
    value: Any = row
    for name in names:
        if type(value) is not dict:
            return True
        if name not in value:
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


def _entry_reader(name: str, column: Column, prefix: str) -> Callable[[Any, list[UnreadableRow]], Any]:
    """A function that reads a column of an entry: an object, or the value itself where a path ends in []."""
    suffixes = [path.removeprefix(f"{prefix}[]") for path in column.paths if path.split("[]")[0] == prefix]
    read_object = column_reader(name, column, [suffix.removeprefix(".") for suffix in suffixes if suffix])
    read_value = column_reader(name, column, [name]) if "" in suffixes else _no_value_reader(name)

    def read(entry: Any, odd: list[UnreadableRow]) -> Any:
        try:
            return read_object(entry) if type(entry) is dict else read_value({name: entry})
        except UnreadableRow as error:
            if column.is_essential:
                raise
            odd.append(error)
            return None

    return read


def _no_value_reader(name: str) -> Reader:
    """A reader for entries that must be objects and are none."""

    def read(row: Row) -> Any:
        raise UnreadableRow(name, misfit(row[name], "an object"))

    return read
