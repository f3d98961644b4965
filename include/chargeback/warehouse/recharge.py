"""Run the recharge rules over a load: quantities up to the license, shares down to the consumers, then money.

A license is worked out by itself, so a large load is worked out some licenses at a time: what is sorted and joined
stays in memory, and ten times the rows take ten times as long.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chargeback.warehouse import scripts
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection, RowMapping

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
# A load's rows are read whole and joined by equal keys, so that hash joins are right whatever the planner expects of
# tables that were filled a moment ago; a query that runs once is not worth compiling; and all that a batch needs of the
# statistics, which every batch makes anew, is sizes. For this transaction.
_SETTINGS = (
    *("enable_mergejoin = off", "enable_nestloop = off", "jit = off", "work_mem = '256MB'"),
    "default_statistics_target = 2",
)
# Nothing stands above a license; below it come groups and clusters, hosts, outer pools. Pools hold consumers only.
PARENT_LEVELS = (6, 5, 4, 3, 2)


Step = tuple[str, str, int | None]
# Looked up once for all licenses.
ONCE: tuple[Step, ...] = (("int_license_prices", "prices", None), ("int_processors", "processors", None))
# Consumers are counted once for each method of their license: about so many rows are sorted at a time.
_BATCH_ROWS = 500_000
_BATCHES = """
with

sizes as (
    select
        license_id,
        count(*) as row_count
    from intermediate.int_capacity_nodes
    where load_id = %(load_id)s
    group by license_id
),

licenses as (
    select
        terms.license_id,
        min(terms.term_number) as first_term,
        max(terms.term_number) as last_term,
        sum(sum(coalesce(sizes.row_count, 0))) over (order by min(terms.term_number)) as rows_so_far
    from intermediate.int_license_terms as terms
    left join sizes on terms.license_id = sizes.license_id
    where terms.load_id = %(load_id)s
    group by terms.license_id
)

select
    min(first_term) as first_term,
    max(last_term) as last_term,
    min(license_id) as first_license_id,
    max(license_id) as last_license_id
from licenses
group by div(rows_so_far, %(batch_rows)s)
order by div(rows_so_far, %(batch_rows)s)
"""


def run(
    connection: Connection, parameters: Parameters, *, all_shares: bool = False, batch_rows: int = _BATCH_ROWS
) -> dict[str, int]:
    """Replace the load's prices, quantities, fits and shares by what its nodes and terms say. Returns rows by table.

    Every method is worked out and compared; shares are those of the chosen ones, or of all where `all_shares` is set.
    The terms are numbered license by license. About `batch_rows` quantities are worked out at a time; a license is
    never cut in two.
    """
    for setting in _SETTINGS:
        execute(connection, f"set local {setting}")
    written = Counter(dict.fromkeys((table for table, _, _ in (*ONCE, *steps())), 0))
    for table in written:
        scripts.delete_load(connection, f"intermediate.{table}", parameters)
    for step in ONCE:
        written[step[0]] += _insert(connection, step, parameters)
    for batch in _batches(connection, parameters, batch_rows):
        for step in steps():
            written[step[0]] += _insert(connection, step, {**parameters, **batch, "all_shares": all_shares})
    execute(connection, "reset default_statistics_target")
    for table in written:  # whole statistics for who reads them next
        scripts.analyze(connection, f"intermediate.{table}", parameters)
    return dict(written)


def steps() -> Iterator[Step]:
    """Table, file and level of the parents of each statement, in order; all of them for each batch of licenses."""
    for family in FAMILIES:
        yield "int_recharge_quantities", family, None
    yield "int_recharge_siblings", "siblings", None
    for level in PARENT_LEVELS:
        yield "int_recharge_layers", "layers", level
    yield "int_method_fits", "fits", None
    yield "int_recharge_shares", "shares", None


# After which step of a batch a table is whole. Its statistics tell the next which side of a join is the small one.
_LAST_STEPS = frozenset({step[0]: step for step in (*ONCE, *steps())}.values())


def _batches(connection: Connection, parameters: Parameters, batch_rows: int) -> Sequence[RowMapping]:
    """The batches: of each its first and last term, and its first and last license."""
    found = execute(connection, _BATCHES, load_id=parameters["load_id"], batch_rows=batch_rows)
    return found.mappings().all()


def _insert(connection: Connection, step: Step, parameters: Parameters) -> int:
    table, file, level = step
    target = f"intermediate.{table}"
    count = scripts.insert(connection, f"recharge/{file}.sql", target, {**parameters, "level": level})
    if step in _LAST_STEPS:
        scripts.analyze(connection, target, parameters)
    return count
