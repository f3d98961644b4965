"""Public figures of vendors: each file of include/config/seeds replaces the table of its name in schema mart."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from sqlalchemy.exc import DBAPIError

from chargeback.errors import SettingsInvalid
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SEEDS_FOLDER = Path(__file__).resolve().parents[2] / "config" / "seeds"


def load(connection: Connection, folder: Path = SEEDS_FOLDER) -> dict[str, int]:
    """Replace every table that has a file in `folder`, all or none. Returns rows by table."""
    return {path.stem: _load_file(connection, path) for path in sorted(folder.glob("*.csv"))}


def differing(connection: Connection, folder: Path = SEEDS_FOLDER) -> list[str]:
    """The files whose figures are not those of their table; tells by a temporary table, and changes nothing."""
    return [path.name for path in sorted(folder.glob("*.csv")) if _differs(connection, path)]


def _differs(connection: Connection, path: Path) -> bool:
    """Whether a table holds other rows than its file; the comparison is undone."""
    ours = sql.Identifier("pg_temp", path.stem)
    theirs = sql.Identifier("mart", path.stem)
    driver: Any = connection.connection.dbapi_connection
    undone = connection.begin_nested()
    try:
        create = sql.SQL("create temporary table {} (like {})").format(sql.Identifier(path.stem), theirs)
        execute(connection, create.as_string(driver))
        _fill(connection, path, ours)
        compare = sql.SQL(
            "select exists (table {ours} except all table {theirs}) or exists (table {theirs} except all table {ours})"
        ).format(ours=ours, theirs=theirs)
        return bool(execute(connection, compare.as_string(driver)).scalar_one())
    finally:
        undone.rollback()


def _load_file(connection: Connection, path: Path) -> int:
    table = sql.Identifier("mart", path.stem)
    driver: Any = connection.connection.dbapi_connection
    execute(connection, sql.SQL("delete from {}").format(table).as_string(driver))
    return _fill(connection, path, table)


def _fill(connection: Connection, path: Path, table: sql.Identifier) -> int:
    """Insert the rows of a file into a table; returns how many."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        rows = [tuple(value or None for value in row) for row in reader if row]
    if wrong := [number for number, row in enumerate(rows, start=2) if len(row) != len(columns)]:
        raise SettingsInvalid(
            f"{path}: line {wrong[0]} has not the {len(columns)} values its first line names."
        )
    insert = sql.SQL("insert into {} ({}) values ({})").format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.SQL("%s") * len(columns)),
    )
    driver: Any = connection.connection.dbapi_connection
    try:
        for row in rows:
            connection.exec_driver_sql(insert.as_string(driver), row)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise SettingsInvalid(f"{path} does not fit mart.{path.stem}: {reason}. Correct the file.") from error
    return len(rows)
