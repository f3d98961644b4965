"""Run the recharge rules over a load: quantities up to the license, shares down to the consumers, then money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.warehouse import scripts
from chargeback.warehouse.database import execute

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
_LAST_FILES = ("prices", FAMILIES[-1], "siblings", "layers", "fits", "shares")
# A load's rows are read whole and joined by equal keys, so that hash joins are right whatever the planner expects of
# tables that were filled a moment ago; and a query that runs once is not worth compiling. For this transaction.
_SETTINGS = ("enable_mergejoin = off", "enable_nestloop = off", "jit = off", "work_mem = '256MB'")
# Nothing stands above a license; below it come groups and clusters, hosts, outer pools. Pools hold consumers only.
PARENT_LEVELS = (6, 5, 4, 3, 2)


def run(connection: Connection, parameters: Parameters, *, all_shares: bool = False) -> dict[str, int]:
    """Replace the load's prices, quantities, fits and shares by what its nodes and terms say. Returns rows by table.

    Every method is worked out and compared; shares are those of the chosen ones, or of all where `all_shares` is set.
    """
    for setting in _SETTINGS:
        execute(connection, f"set local {setting}")
    written: dict[str, int] = {}
    for table, file, level in steps():
        target = f"intermediate.{table}"
        if table not in written:
            scripts.delete_load(connection, target, parameters)
        count = scripts.insert(
            connection,
            f"recharge/{file}.sql",
            target,
            {**parameters, "level": level, "all_shares": all_shares},
        )
        written[table] = written.get(table, 0) + count
        if file in _LAST_FILES and level in (None, PARENT_LEVELS[-1]):
            scripts.analyze(connection, target, parameters)
    return written


def steps() -> Iterator[tuple[str, str, int | None]]:
    """Table, file and level of the parents of each statement, in order."""
    yield "int_license_prices", "prices", None
    for family in FAMILIES:
        yield "int_recharge_quantities", family, None
    yield "int_recharge_siblings", "siblings", None
    for level in PARENT_LEVELS:
        yield "int_recharge_layers", "layers", level
    yield "int_method_fits", "fits", None
    yield "int_recharge_shares", "shares", None
