"""How the field map and the rows of a page fit each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from chargeback.flexera.readers import UnreadableRow, finder
from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from chargeback.flexera.map_file import Column
    from chargeback.flexera.payloads import ConsumptionLine, LicenseEntry

_LOOKED_AT, _MOST_TOLD, _LONGEST_PATH = 20, 30, 60


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a page lacks that the map asks for, and what it has that the map never reads.

    `missing` and `absent` are required and optional columns that no row has, each with its paths; `unread` are paths
    of the page that no column reads; `unreadable` are reasons why rows cannot be read, with how many rows, and
    `null_cells` reasons why cells of other rows cannot and are null.
    """

    row_count: int
    missing: tuple[str, ...]
    absent: tuple[str, ...]
    unread: tuple[str, ...]
    unreadable: tuple[tuple[str, int], ...]
    null_cells: tuple[tuple[str, int], ...]


def coverage(
    columns: Mapping[str, Column],
    rows: Sequence[Mapping[str, Any]],
    read: Callable[[Any], LicenseEntry | ConsumptionLine],
) -> Coverage:
    """The coverage of some rows; `read` is how the map reads one."""
    never = {name: column for name, column in columns.items() if column.paths and not _is_had(column, rows)}
    known = _known_paths(path for column in columns.values() for path in column.paths)
    unreadable, null_cells = _complaints(rows, read)
    met = dict.fromkeys(path for row in rows for path in _paths(row))
    return Coverage(
        row_count=len(rows),
        missing=tuple(
            f"{name} ({' or '.join(column.paths)})" for name, column in never.items() if column.is_required
        ),
        absent=tuple(sorted(name for name, column in never.items() if not column.is_required)),
        unread=tuple(path for path in met if path not in known),
        unreadable=tuple(unreadable.most_common()),
        null_cells=tuple(null_cells.most_common()),
    )


def members(rows: Iterable[Any]) -> str:
    """The members that the first rows do have, for a message about those that are missing."""
    met = list(dict.fromkeys(path for row in islice(rows, _LOOKED_AT) for path in _paths(row)))
    more = len(met) - _MOST_TOLD
    told = ", ".join(plain(path, _LONGEST_PATH) for path in met[:_MOST_TOLD])
    return (told + (f" and {more} more" if more > 0 else "")) or "no members"


def _is_had(column: Column, rows: Iterable[Mapping[str, Any]]) -> bool:
    has = finder(column.paths)
    return any(has(row) for row in rows)


def _known_paths(paths: Iterable[str]) -> set[str]:
    """The paths of the map, and all that leads to them."""
    known = set()
    for path in paths:
        names = path.replace("[]", ".[]").split(".")
        known |= {".".join(names[:count]).replace(".[]", "[]") for count in range(1, len(names) + 1)}
    return known


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """The paths of a row as the map would write them, down to values that are no objects."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _paths(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    elif path:
        yield path


def _complaints(
    rows: Iterable[Any], read: Callable[[Any], LicenseEntry | ConsumptionLine]
) -> tuple[Counter[str], Counter[str]]:
    """The reasons why rows, and cells of other rows, cannot be read."""
    unreadable: Counter[str] = Counter()
    null_cells: Counter[str] = Counter()
    for row in rows:
        try:
            null_cells.update(map(str, read(row).unread))
        except UnreadableRow as error:
            unreadable[str(error)] += 1
    return unreadable, null_cells
