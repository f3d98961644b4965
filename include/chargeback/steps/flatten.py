"""Staged pages to typed rows, by the field map; what cannot be read goes to the quarantine with its reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from chargeback.flexera import LICENSE_COLUMNS, LINE_COLUMNS, FieldMap, UnreadableRow, parse_page
from chargeback.plain_text import plain_logger
from chargeback.steps import license_list
from chargeback.warehouse import scripts, staging
from chargeback.warehouse.database import Database, copy_rows, execute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from chargeback.steps.loads import Load

log = plain_logger(__name__)

_FLUSH_ROWS = 5_000
# Of a row that cannot be read; a longer one is cut, and whole in its page.
_PAYLOAD_LENGTH = 8_000
_SORTED_JSON = msgspec.json.Encoder(decimal_format="number", order="sorted")
_KEY = ("load_id", "license_id", "page_number", "row_number")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "intermediate.int_consumption_lines": (*_KEY, "content_hash", *LINE_COLUMNS),
    "intermediate.int_line_products": (*_KEY, "position", "product_name", "is_supplementary"),
    "intermediate.int_line_instances": (*_KEY, "position", "instance_name"),
    "intermediate.int_line_pools": (*_KEY, "position", "pool_name", "capped_cores"),
    "ops.quarantined_rows": (*_KEY, "column_name", "reason", "payload"),
}
_UNREAD_COLUMNS = ("load_id", "license_id", "column_name", "cell_count", "reason")


@dataclass(slots=True)
class _UnreadCells:
    """Optional cells that could not be read, counted by license and column with the first reason."""

    found: dict[tuple[str | None, str], list[Any]] = field(default_factory=dict)

    def add(self, license_id: str | None, unread: Iterable[UnreadableRow]) -> None:
        for cell in unread:
            note = self.found.setdefault((license_id, cell.column), [0, cell.reason])
            note[0] += 1

    def write(self, connection: Connection, load: Load) -> int:
        rows = [(load.load_id, *key, *note) for key, note in self.found.items()]
        return copy_rows(connection, "ops.unread_cells", _UNREAD_COLUMNS, rows)


@dataclass(slots=True)
class _Buffers:
    """Rows on their way to their tables, written in blocks so that memory stays flat."""

    connection: Connection
    unread: _UnreadCells = field(default_factory=_UnreadCells)
    rows: dict[str, list[tuple[object, ...]]] = field(
        default_factory=lambda: {table: [] for table in _COLUMNS}
    )

    def flush(self, *, least: int = 1) -> None:
        for table, rows in self.rows.items():
            if len(rows) >= least:
                copy_rows(self.connection, table, _COLUMNS[table], rows)
                rows.clear()


def flatten(database: Database, field_map: FieldMap, load: Load) -> dict[str, int]:
    """Replace the load's typed licenses and consumption lines by what its pages say. Returns counts."""
    with database.transaction() as connection:
        _delete(connection, load)
        buffers = _Buffers(connection)
        licenses = _flatten_licenses(buffers, database, field_map, load)
        counts = {"licenses": licenses, "lines": 0, "quarantined": 0}
        for license_id, extraction_id, pages_load_id in _extractions(connection, load):
            for page_number, body in staging.consumption_pages(database, extraction_id, pages_load_id):
                key = (load.load_id, license_id, page_number)
                quarantined = _flatten_page(buffers, field_map, key, body, counts)
                if quarantined:
                    log.warning(
                        "License %s page %s: %s rows went to ops.quarantined_rows",
                        license_id,
                        page_number,
                        quarantined,
                    )
        buffers.flush()
        buffers.unread.write(connection, load)
        for table in ("intermediate.int_licenses", *_COLUMNS):
            scripts.analyze(connection, table, load.parameters)
    return counts


def _delete(connection: Connection, load: Load) -> None:
    for table in ("intermediate.int_licenses", "ops.unread_cells", *_COLUMNS):
        execute(connection, f"delete from {table} where load_id = %(load_id)s", load_id=load.load_id)  # noqa: S608 - names are constants


def _flatten_licenses(buffers: _Buffers, database: Database, field_map: FieldMap, load: Load) -> int:
    listed = license_list.read(database, field_map, load)
    for license_ in listed.licenses:
        buffers.unread.add(license_["license_id"], license_.unread)
    for entry in listed.unusable:
        buffers.unread.add(None, [UnreadableRow("license_id", f"{entry.reason}, of {entry.license_name!r}")])
    return copy_rows(
        buffers.connection,
        "intermediate.int_licenses",
        ["load_id", *LICENSE_COLUMNS],
        [(load.load_id, *(license_[name] for name in LICENSE_COLUMNS)) for license_ in listed.licenses],
    )


def _extractions(connection: Connection, load: Load) -> Iterator[tuple[str, int, int]]:
    """The finished extractions the load is built from: license, extraction, and the load that holds its pages."""
    rows = execute(
        connection,
        """
        select load_licenses.license_id, extractions.extraction_id, extractions.load_id
        from ops.load_licenses
        inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
        where load_licenses.load_id = %(load_id)s and extractions.status = 'complete'
        order by load_licenses.position
        """,
        load_id=load.load_id,
    ).all()
    yield from (tuple(row) for row in rows)


def _flatten_page(
    buffers: _Buffers, field_map: FieldMap, key: tuple[int, str, int], body: str, counts: dict[str, int]
) -> int:
    lines, products, instances, pools, quarantined = buffers.rows.values()
    quarantined_before = counts["quarantined"]
    rows = parse_page(body.encode()).rows
    for row_number, row in enumerate(rows, start=1):
        row_key = (*key, row_number)
        try:
            line = field_map.consumption(row)
        except UnreadableRow as error:
            payload = rows.text(row_number - 1)[:_PAYLOAD_LENGTH]
            quarantined.append((*row_key, error.column, error.reason, payload))
            counts["quarantined"] += 1
            continue
        counts["lines"] += 1
        if line.unread:
            buffers.unread.add(key[1], line.unread)
        lines.append((*row_key, content_hash(row), *line.values))
        products.extend(
            (*row_key, position, name, is_supplementary)
            for position, (name, is_supplementary) in enumerate(line.products, start=1)
        )
        instances.extend((*row_key, position, name) for position, name in enumerate(line.instances, start=1))
        pools.extend((*row_key, position, *pool) for position, pool in enumerate(line.pools, start=1))
    buffers.flush(least=_FLUSH_ROWS)
    return counts["quarantined"] - quarantined_before


def content_hash(row: Mapping[str, object]) -> str:
    """A hash over every member of a row, read by the field map or not; the order of the members does not count."""
    return hashlib.blake2b(_SORTED_JSON.encode(row), digest_size=16).hexdigest()
