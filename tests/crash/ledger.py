"""What must hold in the warehouse once a run is over, however it got there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from looks import Looks

# Each query returns the rows that break its rule.
RULES = {
    "a load is still running": "select load_id, status, dag_run_id from ops.loads where status = 'running'",
    "a failed load was left behind": "select load_id, failure from ops.loads where status = 'failed'",
    "a published load is not the visible one": """
        select loads.load_id, loads.status, snapshots.load_id as visible_load_id
        from ops.loads
        full join ops.snapshots on loads.load_id = snapshots.load_id
        where (loads.status = 'published') is distinct from (snapshots.load_id is not null)
    """,
    "raw pages belong to no load": """
        select load_id, count(*) as pages
        from (
            select load_id from staging.license_pages
            union all
            select load_id from staging.consumption_pages
        ) as pages
        where load_id not in (select load_id from ops.loads)
        group by load_id
    """,
    "raw pages belong to no extraction": """
        select load_id, extraction_id, page_number
        from staging.consumption_pages as pages
        where not exists (
            select 1 from ops.extractions
            where
                extractions.extraction_id = pages.extraction_id
                and extractions.load_id = pages.load_id
                and extractions.page_count >= pages.page_number
        )
    """,
    "an extraction has other pages than it says": """
        select extractions.extraction_id, extractions.page_count, count(pages.page_number) as pages
        from ops.extractions
        left join staging.consumption_pages as pages
            on
                extractions.load_id = pages.load_id
                and extractions.extraction_id = pages.extraction_id
        where extractions.status <> 'failed'
        group by extractions.extraction_id
        having extractions.page_count <> count(pages.page_number)
    """,
    "a partition belongs to no load": """
        select inhrelid::regclass::text as partition
        from pg_catalog.pg_inherits
        where
            inhrelid::regclass::text ~ '_load_[0-9]+$'
            and substring(inhrelid::regclass::text from '[0-9]+$')::bigint not in (select load_id from ops.loads)
    """,
    "a lock is still held": """
        select pid, mode, granted from pg_catalog.pg_locks
        where
            relation = 'ops.locks'::regclass
            and database = (select oid from pg_catalog.pg_database where datname = current_database())
    """,
    "a task's connection is still open": """
        select pid, state from pg_catalog.pg_stat_activity
        where application_name = 'license_chargeback' and datname = current_database()
    """,
    "the request budget is spent ahead": """
        select budget_id, next_request_at, blocked_until, clock_timestamp() as looked_at
        from ops.request_budgets
        where greatest(next_request_at, blocked_until) > clock_timestamp() + interval '1 second'
    """,
}
TURNS_TAKEN = """
select coalesce(sum(request_count), 0)::bigint from ops.request_budgets where budget_id not like '%/token/%'
"""


def broken_rules(warehouse: Looks) -> list[str]:
    """Every row that breaks a rule, with the rule."""
    return [f"{rule}: {row}" for rule, query in RULES.items() for row in warehouse.rows(query)]


class Turns:
    """The turns of the request budget against the requests that reached the API."""

    def __init__(self, warehouse: Looks, received: int) -> None:
        self._warehouse = warehouse
        self.lost_ever = self._taken() - received

    def lost_since(self, received: int) -> int:
        """Turns that were taken and not used since the last time; negative where one was used twice."""
        lost = self._taken() - received
        since, self.lost_ever = lost - self.lost_ever, lost
        return since

    def _taken(self) -> int:
        return int(self._warehouse.value(TURNS_TAKEN))
