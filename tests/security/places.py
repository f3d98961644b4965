"""Where a secret could have got to: files, tables, the process list."""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_SECONDS = 0.1
COLUMNS = """
select columns.table_schema, columns.table_name, columns.column_name, columns.udt_name = 'bytea'
from information_schema.columns
inner join information_schema.tables using (table_catalog, table_schema, table_name)
where tables.table_type = 'BASE TABLE' and tables.table_schema not in ('pg_catalog', 'information_schema')
order by columns.table_schema, columns.table_name, columns.ordinal_position
"""


def files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below some folders, its name included."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield str(path), str(path).encode() + b"\n" + path.read_bytes()


def tables(url: str) -> Iterator[tuple[str, bytes]]:
    """Every column of every table of a database; bytes as they are, and unpacked where they are packed."""
    connection = psycopg2.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(COLUMNS)
            for schema, table, column, is_bytes in cursor.fetchall():
                value = "{column}" if is_bytes else "convert_to({column}::text, 'UTF8')"
                query = sql.SQL("select " + value + " from {table}").format(
                    column=sql.Identifier(column), table=sql.Identifier(schema, table)
                )
                cursor.execute(query)
                cells = [bytes(cell) for (cell,) in cursor if cell is not None]
                yield f"{schema}.{table}.{column}", b"\n".join([*cells, *map(_unpacked, cells)])
    finally:
        connection.close()


def _unpacked(cell: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompress(cell)
    return b""


class ProcessList:
    """The command lines of every process that was seen."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._is_over = threading.Event()

    def seen(self) -> Iterator[tuple[str, bytes]]:
        for command_line in sorted(self._seen):
            yield f"process list, {command_line!r}", command_line

    def look(self) -> None:
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with suppress(OSError):
                    self._seen.add((process / "cmdline").read_bytes())

    def watch(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            self.look()

    def end(self) -> None:
        self._is_over.set()


@contextmanager
def watched_processes() -> Iterator[ProcessList]:
    """Look at the process list again and again for as long as the block lasts."""
    seen = ProcessList()
    watcher = threading.Thread(target=seen.watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        seen.end()
        watcher.join()
