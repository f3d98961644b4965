"""What the API answers: pages, and their rows by the one map from its names to ours."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import msgspec

from chargeback.errors import PayloadChanged, SettingsInvalid
from chargeback.flexera.coverage import Coverage, coverage
from chargeback.flexera.map_file import (
    ENTITIES,
    INSTANCE_TYPES,
    LICENSE_TYPES,
    LINE_TYPES,
    POOL_TYPES,
    PRODUCT_TYPES,
    columns_of,
)
from chargeback.flexera.readers import LineReader, UnreadableRow, column_reader, finder, list_reader
from chargeback.flexera.values import shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chargeback.flexera.map_file import Columns

LICENSE_COLUMNS: tuple[str, ...] = tuple(LICENSE_TYPES)
LINE_COLUMNS: tuple[str, ...] = tuple(LINE_TYPES)

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ParsedPage(NamedTuple):
    """The rows of one page, and where the next one is."""

    rows: Sequence[dict[str, Any]]
    next_page: str | None


class WrittenRows(Sequence[dict[str, Any]]):
    """Rows that are known to be JSON objects, each read when it is looked at."""

    def __init__(self, texts: list[msgspec.Raw]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> WrittenRows: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | WrittenRows:
        found = self._texts[index]
        return WrittenRows(found) if isinstance(found, list) else _DECODER.decode(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


class _Outline(msgspec.Struct, rename="camel"):
    values: list[msgspec.Raw]
    next_page: Any = None


_OUTLINE_DECODER = msgspec.json.Decoder(_Outline)
_TEXTS_DECODER = msgspec.json.Decoder(list[msgspec.Raw])


class ConsumptionLine(NamedTuple):
    """One consumption row: its values in the order of LINE_COLUMNS, and the lists beside its device.

    `pools` are the resource pools around a virtual machine, the innermost first, with their caps in cores.
    """

    values: tuple[object, ...]
    products: list[tuple[str, bool | None]]
    instances: list[str]
    pools: list[tuple[str, Decimal | None]]


def parse_page(body: bytes) -> ParsedPage:
    """The page in a body: an array of rows, or `values` with an optional `nextPage`. Numbers stay exact."""
    try:
        document = decode(body)
    except ValueError as error:
        raise PayloadChanged(f"The page is not JSON ({error}).") from error
    return page_of(document)


def decode(body: bytes) -> Any:
    """The JSON document in a body; ValueError where there is none."""
    text = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return _decode_leniently(text, str(error))


def outline(body: bytes) -> Any:
    """The JSON document in a body as `decode` gives it, but the rows of a page are WrittenRows.

    They are checked for being JSON and left unread, at a tenth of the cost: following pages needs no more.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        if not text.isascii():
            text.decode()
        if text.lstrip()[:1] == b"[":
            return _written(_TEXTS_DECODER.decode(text))
        page = _OUTLINE_DECODER.decode(text)
    except (ValueError, RecursionError):
        return decode(body)
    return {"values": _written(page.values), "nextPage": page.next_page}


def page_of(document: Any) -> ParsedPage:
    """The page in a JSON document."""
    if isinstance(document, list | WrittenRows):
        return ParsedPage(_rows_of(document), None)
    if not isinstance(document, dict) or not isinstance(document.get("values"), list | WrittenRows):
        raise PayloadChanged(
            f"The answer is {shape(document)}, neither a list of rows nor an object with the list 'values'. "
            "Check that api_url of the connection names the IT Asset Management API."
        )
    next_page = document.get("nextPage") or None
    if not isinstance(next_page, str | None):
        raise PayloadChanged(f"nextPage is {shape(next_page)}, not text, so no later page can be read.")
    return ParsedPage(_rows_of(document["values"]), next_page)


class FieldMap:
    """From the API's names to ours, compiled once."""

    def __init__(self, columns: Mapping[str, Columns]) -> None:
        self._columns = columns
        licenses, lines = columns["license"], columns["consumption"]
        self._license = [(name, column_reader(name, licenses[name])) for name in LICENSE_COLUMNS]
        self._line = LineReader({name: lines[name] for name in LINE_COLUMNS})
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

    def license(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A license's values by column; UnreadableRow where one does not fit, or the license has no id."""
        values = {name: read(row) for name, read in self._license}
        if values["license_id"] is None:
            raise UnreadableRow("license_id", "missing")
        return values

    def consumption(self, row: Mapping[str, Any]) -> ConsumptionLine:
        """A consumption row's values and lists; UnreadableRow where one does not fit."""
        return ConsumptionLine(
            self._line.read(row),
            [(name, is_supplementary) for name, is_supplementary in self._products(row)],
            [name for (name,) in self._instances(row)],
            [(name, capped_cores) for name, capped_cores in self._pools(row)],
        )

    def coverage(self, entity: str, rows: Sequence[Mapping[str, Any]]) -> Coverage:
        """How the map and these rows fit: what either of them has that the other lacks."""
        read = self.license if entity == "license" else self.consumption
        return coverage(self._columns[entity], rows, read)

    def missing_required(self, entity: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """The required columns that no row has, each with the paths tried; reads rows only while one is missing."""
        missing = self._required[entity]
        for row in rows:
            if not missing:
                break
            missing = [(name, found) for name, found in missing if not found(row)]
        return [name for name, _ in missing]


def _written(texts: list[msgspec.Raw]) -> WrittenRows | list[Any]:
    """Rows left as written; where one of them is no object, all are read, for the message to tell which."""
    if all(bytes(memoryview(text)[:1]) == b"{" for text in texts):
        return WrittenRows(texts)
    return [_DECODER.decode(text) for text in texts]


def _rows_of(rows: list[Any] | WrittenRows) -> Sequence[dict[str, Any]]:
    if isinstance(rows, WrittenRows):
        return rows
    for number, row in enumerate(rows, start=1):
        if type(row) is not dict:
            raise PayloadChanged(f"Row {number} of the page is {shape(row)}, not an object.")
    return rows


def _decode_leniently(text: bytes, complaint: str) -> Any:
    """What the standard library takes and the fast decoder does not: NaN, Infinity, half a surrogate pair.

    The first two become text, so that they spoil their row and not their page; a half pair becomes U+FFFD.
    """
    try:
        return _without_surrogates(json.loads(text.decode(), parse_float=Decimal, parse_constant=str))
    except (ValueError, RecursionError):
        raise ValueError(complaint) from None


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value
