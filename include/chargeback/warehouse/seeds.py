"""Public figures of vendors: each file of include/config/seeds replaces the table of its name in schema mart."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from chargeback.errors import SettingsInvalid
from chargeback.warehouse.database import copy_rows, execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SEEDS_FOLDER = Path(__file__).resolve().parents[2] / "config" / "seeds"


def load(connection: Connection, folder: Path = SEEDS_FOLDER) -> dict[str, int]:
    """Replace every table that has a file in `folder`, all or none. Returns rows by table."""
    return {path.stem: _load_file(connection, path) for path in sorted(folder.glob("*.csv"))}


def differing(connection: Connection, folder: Path = SEEDS_FOLDER) -> list[str]:
    """The files whose figures are not those of their table; compares in a temporary table, and changes nothing."""
    return [path.name for path in sorted(folder.glob("*.csv")) if _differs(connection, path)]


def _differs(connection: Connection, path: Path) -> bool:
    """Whether a table holds other rows than its file; the comparison is undone."""
    ours, theirs = f"pg_temp.{path.stem}", _table_of(connection, path)
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
    table = _table_of(connection, path)
    execute(connection, f"delete from {table}")  # noqa: S608 - the name of a table that is there
    return _fill(connection, path, table)


def _table_of(connection: Connection, path: Path) -> str:
    """The table that a file replaces."""
    known = "select to_regclass(format('mart.%%I', %(name)s::text)) is not null"
    if not execute(connection, known, name=path.stem).scalar_one():
        raise SettingsInvalid(
            f"{path}: schema mart has no table {path.stem}. Rename the file or take it away."
        )
    return f"mart.{path.stem}"


def _fill(connection: Connection, path: Path, table: str) -> int:
    """Copy the rows of a file into a table; returns how many."""
    columns, *rows = _lines(path)
    if wrong := [number for number, row in enumerate(rows, start=2) if row and len(row) != len(columns)]:
        raise SettingsInvalid(
            f"{path}: line {wrong[0]} has not the {len(columns)} values its first line names."
        )
    values = [tuple(value or None for value in row) for row in rows if row]
    try:
        return copy_rows(connection, table, columns, values)
    except psycopg2.Error as error:
        reason = str(error).partition("\n")[0]
        line = _line(error.diag.context or "")
        raise SettingsInvalid(
            f"{path}{line} does not fit mart.{path.stem}: {reason}. Correct the file."
        ) from error


def _lines(path: Path) -> list[list[str]]:
    """The values of each line, the first of which names columns; a mark that spreadsheets put before it is no part."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsInvalid(f"{path} cannot be read: {error}. Save it as CSV in UTF-8.") from error
    if not lines or not lines[0]:
        raise SettingsInvalid(f"{path}: the first line must name the columns. Put the file back.")
    return lines


def _line(context: str) -> str:
    """Which line of the file PostgreSQL stopped at, in words; it counts without the first."""
    found = re.search(r"line (\d+)", context)
    return f", line {int(found[1]) + 1}," if found else ""
