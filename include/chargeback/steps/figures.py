"""A load in figures, for those who watch the job instead of reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.steps import freshness
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from decimal import Decimal

AGE = "snapshot_age_hours"
# Name -> what it is. Every figure is of the organization whose load it is.
MEANINGS = {
    "failing_checks": "checks of severity fail that found rows in the load",
    "warning_checks": "checks of severity warn that found rows in the load",
    "quarantined_rows": "rows of the load that could not be read",
    AGE: "hours since 00:00 UTC of the date of the newest published snapshot; absent before the first",
    "requests_of_budget": "requests taken from the tenant's budget so far",
    "refused_requests": "requests so far that the server refused as too many",
    "snapshot_licenses": "licenses of the newest published snapshot",
    "snapshot_rows": "rows charged in the newest published snapshot",
    "recharged_cost": "what the newest published snapshot recharges; absent where its costs are in several currencies",
    "residue_licenses": "its licenses that do not add up",
    "residue_cost": "what they leave over, at the price of what they recharge",
}

_FIGURES = """
select
    loads.org_id,
    checks.*,
    published.*,
    budgets.*,
    (
        select count(*) from ops.quarantined_rows where load_id = %(load_id)s
    ) as quarantined_rows
from ops.loads
cross join lateral (
    select
        count(*) filter (where severity = 'fail') as failing_checks,
        count(*) filter (where severity = 'warn') as warning_checks
    from ops.check_results
    where load_id = loads.load_id and not is_passed
) as checks
left join lateral (
    select
        count(*) as snapshot_licenses,
        sum(row_count) as snapshot_rows,
        case when count(distinct coalesce(currency, '')) filter (where recharged_cost <> 0) <= 1
            then sum(recharged_cost)
        end as recharged_cost,
        count(*) filter (where residue <> 0) as residue_licenses,
        case when count(distinct coalesce(currency, '')) filter (where recharged_cost <> 0) <= 1
            then sum(residue * recharged_cost / nullif(recharged_consumption, 0))
        end as residue_cost
    from mart.fct_license_positions as positions
    where (positions.snapshot_date, positions.load_id) = (
        select snapshot_date, load_id
        from ops.snapshots
        where org_id = loads.org_id
        order by snapshot_date desc
        limit 1
    )
    group by positions.snapshot_date
) as published on true
left join lateral (
    select request_count as requests_of_budget, throttled_count as refused_requests
    from ops.request_budgets
    where budget_id = %(budget_id)s
) as budgets on true
where loads.load_id = %(load_id)s
"""


def read(database: Database, load_id: int, budget_id: str) -> tuple[str, dict[str, Decimal | float]]:
    """The organization of a load, and its figures by name; one that has no value is left out."""
    with database.transaction() as connection:
        row = execute(connection, _FIGURES, load_id=load_id, budget_id=budget_id).mappings().one()
        values = {**row, AGE: freshness.newest(connection, row["org_id"]).age_hours}
    return row["org_id"], {name: values[name] for name in MEANINGS if values[name] is not None}


def warehouse_bytes(database: Database) -> int:
    """How large the database of the warehouse is on disk."""
    with database.transaction() as connection:
        return int(execute(connection, "select pg_database_size(current_database())").scalar_one())
