"""Public figures of vendors: each file of include/config/seeds replaces the table of its name in schema mart."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from sqlalchemy.exc import DBAPIError

from chargeback.errors import SettingsInvalid
from chargeback.warehouse.database import copy_rows, execute

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
    ours, theirs = f"pg_temp.{path.stem}", f"mart.{path.stem}"
    undone = connection.begin_nested()
    try:
        execute(connection, f"create temporary table {path.stem} (like {theirs})")
        _fill(connection, path, ours)
        differs = execute(
            connection,
            f"select exists (table {ours} except all table {theirs}) "
            f"or exists (table {theirs} except all table {ours})",
        )
        return bool(differs.scalar_one())
    finally:
        undone.rollback()


def _load_file(connection: Connection, path: Path) -> int:
    execute(connection, f"delete from mart.{path.stem}")  # noqa: S608 - the name of our own file
    return _fill(connection, path, f"mart.{path.stem}")


def _fill(connection: Connection, path: Path, table: str) -> int:
    """Copy the rows of a file into a table; returns how many."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        rows = [tuple(value or None for value in row) for row in reader if row]
    if wrong := [number for number, row in enumerate(rows, start=2) if len(row) != len(columns)]:
        raise SettingsInvalid(
            f"{path}: line {wrong[0]} has not the {len(columns)} values its first line names."
        )
    try:
        return copy_rows(connection, table, columns, rows)
    except (DBAPIError, psycopg2.Error) as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise SettingsInvalid(f"{path} does not fit mart.{path.stem}: {reason}. Correct the file.") from error
