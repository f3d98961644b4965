"""What the API answers: pages, and their rows by the one map from its names to ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chargeback.errors import PayloadChanged, SettingsInvalid
from chargeback.flexera.coverage import Coverage, coverage
from chargeback.flexera.json_text import NotJson, WrittenRows, outline
from chargeback.flexera.map_file import (
    ENTITIES,
    INSTANCE_TYPES,
    LICENSE_TYPES,
    LINE_TYPES,
    POOL_TYPES,
    PRODUCT_TYPES,
    columns_of,
)
from chargeback.flexera.readers import RowReader, UnreadableRow, column_reader, finder, list_reader
from chargeback.flexera.values import misfit, shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from chargeback.flexera.map_file import Columns

LICENSE_COLUMNS: tuple[str, ...] = tuple(LICENSE_TYPES)
LINE_COLUMNS: tuple[str, ...] = tuple(LINE_TYPES)

_LONGEST_ID = 500  # of a license, as it is part of keys in the warehouse


class ParsedPage(NamedTuple):
    """The rows of one page, whatever they are, and where the next page is."""

    rows: WrittenRows
    next_page: str | None


class ConsumptionLine(NamedTuple):
    """One consumption row: its values in the order of LINE_COLUMNS, and the lists beside its device.

    `pools` are the resource pools around a virtual machine, the innermost first, with their caps in cores.
    `unread` are optional cells that could not be read and are null.
    """

    values: tuple[object, ...]
    products: list[tuple[str, bool | None]]
    instances: list[str]
    pools: list[tuple[str, Decimal | None]]
    unread: Sequence[UnreadableRow] = ()


def parse_page(body: bytes) -> ParsedPage:
    """The page in a UTF-8 body: a list of rows, or `values` with an optional `nextPage`. Numbers stay exact."""
    try:
        document = outline(body)
    except NotJson as error:
        raise PayloadChanged(f"The page is not JSON ({error}).") from error
    return page_of(document)


def page_of(document: Any) -> ParsedPage:
    """The page in the outline of an answer; `values` that are null are none."""
    if isinstance(document, WrittenRows):
        return ParsedPage(document, None)
    rows = document.get("values", document) if isinstance(document, dict) else document
    if rows is None and isinstance(document, dict):
        rows = WrittenRows([])
    if not isinstance(rows, WrittenRows):
        found = shape(document) if rows is document else f"an object whose 'values' are {shape(rows)}"
        raise PayloadChanged(
            f"The answer is {found}, neither a list of rows nor an object with the list 'values'. "
            "Check that api_url of the connection names the IT Asset Management API."
        )
    next_page = document.get("nextPage")
    if next_page in ("", False):
        next_page = None
    if not isinstance(next_page, str | None):
        raise PayloadChanged(f"nextPage is {misfit(next_page, 'text')}, so no later page can be read.")
    return ParsedPage(rows, next_page)


class LicenseEntry(dict[str, Any]):
    """The values of a license by column; `unread` are cells that could not be read and are null."""

    unread: Sequence[UnreadableRow] = ()


class FieldMap:
    """From the API's names to ours, compiled once."""

    def __init__(self, columns: Mapping[str, Columns]) -> None:
        self._columns = columns
        licenses, lines = columns["license"], columns["consumption"]
        self._license = RowReader({name: licenses[name] for name in LICENSE_COLUMNS})
        self._license_name = column_reader("license_name", licenses["license_name"])
        self._line = RowReader({name: lines[name] for name in LINE_COLUMNS})
        self._products = list_reader({name: lines[name] for name in PRODUCT_TYPES})
        self._instances = list_reader({name: lines[name] for name in INSTANCE_TYPES})
        self._pools = list_reader({name: lines[name] for name in POOL_TYPES})
        self._required = {
            entity: [
                (f"{name} ({' or '.join(column.paths)})", finder(column.paths))
                for name, column in each.items()
                if column.is_required
            ]
            for entity, each in columns.items()
        }

    @classmethod
    def read(cls, path: str | Path) -> FieldMap:
        """The map in a YAML file; SettingsInvalid lists every bad line."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsInvalid(
                f"Field map {path} cannot be read ({error}). Put the file there."
            ) from error
        columns, mistakes = columns_of(text)
        if mistakes:
            raise SettingsInvalid(
                f"Field map {path}: {'; '.join(mistakes)}. Correct these lines of the file."
            )
        return cls({entity: columns[entity] for entity in ENTITIES})

    def license(self, row: Any) -> LicenseEntry:
        """A license's values by column; UnreadableRow where its id cannot be read."""
        values, unread = self._license.read(_object(row))
        entry = LicenseEntry(zip(LICENSE_COLUMNS, values, strict=True))
        entry.unread = unread
        if entry["license_id"] is None:
            raise UnreadableRow("license_id", "missing")
        if len(entry["license_id"]) > _LONGEST_ID:
            raise UnreadableRow("license_id", f"longer than {_LONGEST_ID} characters")
        return entry

    def license_name(self, row: Any) -> str | None:
        """The name of a license that cannot be read otherwise; None where it has none."""
        try:
            name: str | None = self._license_name(_object(row))
        except UnreadableRow:
            return None
        return name

    def consumption(self, row: Any) -> ConsumptionLine:
        """A consumption row's values and lists; UnreadableRow where an essential one does not fit."""
        values, unread = self._line.read(_object(row))
        return ConsumptionLine(
            values,
            [(name, is_supplementary) for name, is_supplementary in self._products(row, unread)],
            [name for (name,) in self._instances(row, unread)],
            [(name, capped_cores) for name, capped_cores in self._pools(row, unread)],
            unread,
        )

    def coverage(self, entity: str, rows: Sequence[Any]) -> Coverage:
        """How the map and these rows fit: what either of them has that the other lacks."""
        read = self.license if entity == "license" else self.consumption
        return coverage(self._columns[entity], rows, read)

    def missing_required(self, entity: str, rows: Iterable[Any]) -> list[str]:
        """The required columns that no row has, each with the paths tried; reads rows only while one is missing."""
        missing = self._required[entity]
        for row in rows:
            if not missing:
                break
            missing = [(name, found) for name, found in missing if not found(row)]
        return [name for name, _ in missing]


def _object(row: Any) -> dict[str, Any]:
    if type(row) is not dict:
        raise UnreadableRow("row", misfit(row, "an object"))
    return row
