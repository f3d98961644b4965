"""Connections, transactions and COPY for the warehouse."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
import sqlalchemy
from psycopg2 import sql
from psycopg2.extensions import make_dsn
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import URL, Connection, Engine

_COPY_BYTES = 262_144
# What one sort or hash may hold before it spills to disk: a night has few connections and large sorts.
_WORK_MEM = "128MB"
# Names without a schema are PostgreSQL's own. A schema in which others may create, as "public" is where a database
# comes from a version before 15, could hold a function that fits a call better and would have the rights of the night.
SEARCH_PATH = "pg_catalog,pg_temp"
# What COPY's text form writes otherwise; the backslash first.
_ESCAPES = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"))


class Database:
    """The warehouse, opened only for as long as a step needs it.

    No connection outlives the block that asked for it, so a task that dies leaves nothing behind.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def connect(cls, url: str | URL) -> Database:
        """A database at `url`; nothing is opened yet, session time is UTC, and no schema of others is searched."""
        engine = sqlalchemy.create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,  # an error's text must not hold whole payloads
            connect_args={
                "application_name": "license_chargeback",
                "client_encoding": "utf8",
                "options": f"-c timezone=UTC -c work_mem={_WORK_MEM} -c search_path={SEARCH_PATH}",
            },
        )
        return cls(engine)

    @property
    def url(self) -> URL:
        return self._engine.url

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction on a connection of its own: committed at the end, rolled back on an error."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """One connection for several transactions; the caller commits each (`connection.begin()`)."""
        with self._engine.connect() as connection:
            yield connection

    def raw_connection(self) -> Any:
        """A psycopg2 connection in autocommit mode; the caller closes it."""
        connection = self._engine.raw_connection()
        driver: Any = connection.dbapi_connection
        connection.detach()
        driver.autocommit = True
        return driver


def address(url: sqlalchemy.URL) -> str:
    """Host, port and database of a server, for people; what is not given, as the client library fills it in."""
    return f"{url.host or 'a local socket'}:{url.port or 5432}/{url.database or ''}"


def is_libpq_option(name: str) -> bool:
    """Whether PostgreSQL's client library has a connection option of that name, such as sslmode."""
    try:
        make_dsn(**{name: "0"})
    except psycopg2.ProgrammingError:
        return False
    return True


def execute(connection: Connection, statement: str, **parameters: object) -> sqlalchemy.CursorResult[Any]:
    """Run one statement with bound `%(name)s` parameters."""
    return connection.exec_driver_sql(statement, parameters or None)


def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """COPY `rows` into `schema.table`; returns how many.

    Values: str or UTF-8 bytes for text, int, Decimal, bool, date or None.
    """
    lines = [_copy_line(row) for row in rows]
    if not lines:
        return 0
    target = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor:
        cursor.copy_expert(target, io.BytesIO(b"".join(lines)), size=_COPY_BYTES)
    return len(lines)


def _copy_line(row: Sequence[object]) -> bytes:
    return b"\t".join([_copy_field(value) for value in row]) + b"\n"


def _copy_field(value: object) -> bytes:
    if value is None:
        return b"\\N"
    if isinstance(value, str):
        return _escaped(value.encode())
    if isinstance(value, bytes):
        return _escaped(value)
    return str(value).encode()


def _escaped(text: bytes) -> bytes:
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text
