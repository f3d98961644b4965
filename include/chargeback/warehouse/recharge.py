"""Run the recharge rules over a load: quantities up to the license, shares down to the consumers, then money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from chargeback.warehouse.database import execute
from chargeback.warehouse.scripts import SQL_FOLDER, analyze

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from chargeback.warehouse.scripts import Parameters

# The files of include/sql/recharge, one per family of methods: each works out the licenses whose terms name it.
FAMILIES = (
    "capacity",
    "cluster",
    "host_cores",
    "consumers",
    "named_users",
    "tiers",
    "fixed_amount",
    "as_recharged",
)
# After which file a table is whole. Its statistics tell the next file which side of a join is the small one.
_LAST_FILES = ("prices", FAMILIES[-1], "siblings", "layers", "shares")
# A load's rows are read whole and joined by equal keys, so that hash joins are right whatever the planner expects of
# tables that were filled a moment ago; and a query that runs once is not worth compiling. For this transaction.
_SETTINGS = ("work_mem = '128MB'", "enable_mergejoin = off", "enable_nestloop = off", "jit = off")
# Nothing stands above a license; below it come groups and clusters, hosts, outer pools. Pools hold consumers only.
PARENT_LEVELS = (6, 5, 4, 3, 2)


def run(connection: Connection, parameters: Parameters) -> dict[str, int]:
    """Replace the load's prices, quantities and shares by what its nodes and terms say. Returns rows by table."""
    for setting in _SETTINGS:
        execute(connection, f"set local {setting}")
    written: dict[str, int] = {}
    for table, file, level in steps():
        if table not in written:
            _delete(connection, table, parameters)
        count = _insert(connection, table, file, {**parameters, "level": level})
        written[table] = written.get(table, 0) + count
        if file in _LAST_FILES and level in (None, PARENT_LEVELS[-1]):
            analyze(connection, f"intermediate.{table}", parameters)
    return written


def steps() -> Iterator[tuple[str, str, int | None]]:
    """Table, file and level of the parents of each statement, in order."""
    yield "int_license_prices", "prices", None
    for family in FAMILIES:
        yield "int_recharge_quantities", family, None
    yield "int_recharge_siblings", "siblings", None
    for level in PARENT_LEVELS:
        yield "int_recharge_layers", "layers", level
    yield "int_recharge_shares", "shares", None


def _delete(connection: Connection, table: str, parameters: Parameters) -> None:
    target = sql.Identifier("intermediate", table)
    _execute(connection, sql.SQL("delete from {} where load_id = %(load_id)s").format(target), parameters)


def _insert(connection: Connection, table: str, file: str, parameters: Parameters) -> int:
    select = sql.SQL((SQL_FOLDER / "recharge" / f"{file}.sql").read_text(encoding="utf-8"))
    columns = _execute(
        connection, sql.SQL("select * from (\n{}\n) as source limit 0").format(select), parameters
    ).keys()
    target = sql.Identifier("intermediate", table)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return int(
        _execute(
            connection, sql.SQL("insert into {} ({})\n{}").format(target, names, select), parameters
        ).rowcount
    )


def _execute(connection: Connection, statement: sql.Composable, parameters: Parameters) -> Any:
    driver: Any = connection.connection.dbapi_connection
    return connection.exec_driver_sql(statement.as_string(driver), dict(parameters))
