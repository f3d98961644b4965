"""Find, bind and run the files of include/sql."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SQL_FOLDER = Path(__file__).resolve().parents[2] / "sql"

SEVERITIES = ("fail", "warn")
DIMENSIONS = (
    *("freshness", "completeness", "uniqueness", "referential", "accepted values", "conservation"),
    "change",
)
_SOURCE = re.compile(r"\b(?:from|join)\s+((?:staging|intermediate|mart|ops)\.\w+)\b(?!\()")

Parameters = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Check:
    """One file of include/sql/checks: a select that returns the rows that break a rule.

    `dimension` is one of DIMENSIONS; `description` is the rule in words, the comment below the two header lines.
    """

    name: str
    severity: str
    dimension: str
    description: str
    statement: str


def transform(connection: Connection, layer: str, table: str, parameters: Parameters) -> int:
    """Replace the load's rows of `layer.table` by the select in its file; returns how many were written.

    Dimension rows are immutable versions shared by all loads: theirs are added where they are new.
    """
    is_dimension = table.startswith("dim_")
    if not is_dimension:
        delete_load(connection, f"{layer}.{table}", parameters)
    written = insert(
        connection, f"{layer}/{table}.sql", f"{layer}.{table}", parameters, only_new=is_dimension
    )
    analyze(connection, f"{layer}.{table}", parameters)
    return written


def delete_load(connection: Connection, table: str, parameters: Parameters) -> None:
    """Delete the load's rows of `schema.table`."""
    target = sql.Identifier(*table.split("."))
    _run(connection, sql.SQL("delete from {} where load_id = %(load_id)s").format(target), parameters)


def insert(
    connection: Connection, file: str, table: str, parameters: Parameters, *, only_new: bool = False
) -> int:
    """Insert the select in a file of include/sql into `schema.table`, by column name; returns rows written."""
    statement = _read(file)
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(connection, statement, parameters)))
    target = sql.Identifier(*table.split("."))
    text = sql.SQL("insert into {} ({}) ").format(target, columns) + sql.SQL(statement)
    return _run(connection, text + sql.SQL("\non conflict do nothing") if only_new else text, parameters)


def analyze(connection: Connection, table: str, parameters: Parameters) -> None:
    """Refresh the statistics of what the load wrote into `schema.table`, so that the next step plans well."""
    connection.exec_driver_sql(
        "select ops.analyze_load(%(table)s::regclass, %(load_id)s, %(snapshot_date)s)",
        {**parameters, "table": table},
    )


def tables(layer: str) -> list[str]:
    """The tables that have a transform file in `layer`, by name."""
    return sorted(path.stem for path in (SQL_FOLDER / layer).glob("*.sql"))


def checks(layer: str) -> list[Check]:
    """The checks of `layer` ('staging' or 'mart'), by name."""
    return [_check(path) for path in sorted((SQL_FOLDER / "checks" / layer).glob("*.sql"))]


def sources(folder: str) -> list[str]:
    """The tables and views of ours, as schema.table, that the files of a folder of include/sql read."""
    texts = (path.read_text(encoding="utf-8") for path in (SQL_FOLDER / folder).glob("*.sql"))
    return sorted({name for text in texts for name in _SOURCE.findall(text)})


def failing_rows(
    connection: Connection, check: Check, parameters: Parameters, sample_size: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows break `check`, and the first `sample_size` of them."""
    counted = connection.exec_driver_sql(
        f"with failing as (\n{check.statement}\n) select count(*) over () as failing_count, failing.* "  # noqa: S608
        f"from failing limit {sample_size:d}",
        dict(parameters),
    )
    rows = [dict(row) for row in counted.mappings()]
    return (rows[0]["failing_count"] if rows else 0), [
        {name: value for name, value in row.items() if name != "failing_count"} for row in rows
    ]


def _read(name: str) -> str:
    return (SQL_FOLDER / name).read_text(encoding="utf-8").rstrip().rstrip(";")


def _check(path: Path) -> Check:
    statement = path.read_text(encoding="utf-8").rstrip().rstrip(";")
    comment = list(takewhile(lambda line: line.startswith("-- "), statement.splitlines()))
    severity, dimension = (_header(path, comment, *header) for header in enumerate(_HEADERS))
    description = " ".join(line.removeprefix("-- ") for line in comment[len(_HEADERS) :])
    if not description:
        raise ValueError(f"{path}: line 3 must be a comment that says the rule in words.")
    return Check(path.stem, severity, dimension, description, statement)


_HEADERS = {"severity": SEVERITIES, "dimension": DIMENSIONS}


def _header(path: Path, comment: list[str], place: int, name: str) -> str:
    line = comment[place] if place < len(comment) else ""
    value = line.removeprefix(f"-- {name}: ")
    if value not in _HEADERS[name]:
        allowed = " or ".join(f"'-- {name}: {value}'" for value in _HEADERS[name])
        raise ValueError(f"{path}: line {place + 1} must be {allowed}.")
    return value


def _columns(connection: Connection, statement: str, parameters: Parameters) -> list[str]:
    nothing = f"select * from (\n{statement}\n) as source limit 0"  # noqa: S608 - our own file
    result = connection.exec_driver_sql(nothing, dict(parameters))
    return list(result.keys())


def _run(connection: Connection, statement: sql.Composable, parameters: Parameters) -> int:
    driver: Any = connection.connection.dbapi_connection
    text = statement.as_string(driver)
    return connection.exec_driver_sql(text, dict(parameters) or None).rowcount
