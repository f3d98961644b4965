"""What the ledger tells: unfinished loads, the age of what is published, the request budget, seeds, old rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.doctor.findings import Finding, listed, ok, problem, warning
from chargeback.errors import SettingsInvalid
from chargeback.warehouse import seeds
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Row

_STALE_HOURS = 20  # dagrun_timeout of the nightly DAG
_OLDEST_DAYS = 1
_MOST_WAIT_SECONDS = 120
_KEPT_DAYS = 10  # superseded_days of the maintenance, and a few nights more


def examine(session: Connection, budget_ids: Sequence[str]) -> list[Finding]:
    """Every finding of the ledger; `budget_ids` are those of the tenant in use."""
    return [
        unfinished_loads(session),
        last_failure(session),
        *published(session),
        budget(session, budget_ids),
        size(session),
        reference_figures(session),
    ]


def unfinished_loads(session: Connection) -> Finding:
    """Loads that nobody works on any more although they are not finished."""
    running = _rows(
        session,
        """
        select load_id, snapshot_date, clock_timestamp() - started_at > %(hours)s * interval '1 hour' as is_stale
        from ops.loads
        where status = 'running'
        order by load_id
        """,
        hours=_STALE_HOURS,
    )
    stale = [f"load {row.load_id} of {row.snapshot_date}" for row in running if row.is_stale]
    if stale:
        return warning(
            "unfinished loads",
            f"{listed(stale)} began more than {_STALE_HOURS} hours ago and is not finished",
            "Clear the unfinished tasks of its run, or trigger that snapshot_date anew",
        )
    return ok("unfinished loads", f"{len(running)} running" if running else "none")


def last_failure(session: Connection) -> Finding:
    """Whether the newest load of each organization came to its end."""
    failed = _rows(
        session,
        """
        select load_id, snapshot_date, failure
        from (select distinct on (org_id) * from ops.loads order by org_id asc, load_id desc) as newest
        where status = 'failed'
        """,
    )
    if not failed:
        return ok("last load", "did not fail")
    told = [f"load {row.load_id} of {row.snapshot_date} failed: {row.failure}" for row in failed]
    return warning("last load", listed(told), "Do what it says, then clear the red task; see docs/runbook.md")


def published(session: Connection) -> list[Finding]:
    """How old the newest snapshot of each organization is."""
    rows = _rows(
        session,
        """
        select org_id, max(snapshot_date) as newest, current_date - max(snapshot_date) as days
        from ops.snapshots
        group by org_id
        order by org_id
        """,
    )
    if not rows:
        return [
            warning(
                "published",
                "nothing yet",
                "Run make run, or switch on and trigger the DAG license_chargeback",
            )
        ]
    return [_age(row) for row in rows]


def _age(row: Row[Any]) -> Finding:
    found = f"organization {row.org_id}: {row.newest}, {row.days} days ago"
    if row.days > _OLDEST_DAYS:
        return warning(
            "published", found, "See in Airflow whether the DAG license_chargeback is on, and why it failed"
        )
    return ok("published", found)


def budget(session: Connection, budget_ids: Sequence[str]) -> Finding:
    """Whether a request may be sent soon."""
    rows = _rows(
        session,
        """
        select
            request_count, throttled_count,
            extract(epoch from greatest(next_request_at, blocked_until) - clock_timestamp())::int as wait_seconds
        from ops.request_budgets
        where budget_id = any(%(budget_ids)s)
        """,
        budget_ids=list(budget_ids),
    )
    sent, refused = sum(row.request_count for row in rows), sum(row.throttled_count for row in rows)
    wait_seconds = max((row.wait_seconds for row in rows), default=0)
    found = f"{sent} requests so far, {refused} times refused as too many"
    if wait_seconds > _MOST_WAIT_SECONDS:
        return warning(
            "request budget",
            f"{found}; nobody may send for another {wait_seconds} s",
            "Wait; if it was a mistake, set blocked_until of ops.request_budgets to null",
        )
    return ok("request budget", found)


def size(session: Connection) -> Finding:
    """How large the database is, and whether the maintenance keeps it small."""
    [row] = _rows(
        session,
        """
        select
            pg_size_pretty(pg_database_size(current_database())) as size,
            count(*) filter (
                where
                    status in ('failed', 'superseded', 'abandoned')
                    and levels_dropped_at is null
                    and coalesce(finished_at, started_at) < clock_timestamp() - %(days)s * interval '1 day'
            ) as leftover_count
        from ops.loads
        """,
        days=_KEPT_DAYS,
    )
    if row.leftover_count:
        return warning(
            "database size",
            f"{row.size}; {row.leftover_count} loads that ended more than {_KEPT_DAYS} days ago still hold their rows",
            "Switch on the DAG warehouse_maintenance",
        )
    return ok("database size", row.size)


def reference_figures(session: Connection, folder: Path = seeds.SEEDS_FOLDER) -> Finding:
    """Whether the warehouse has the figures of the seed files."""
    try:
        other = seeds.differing(session, folder)
    except SettingsInvalid as error:
        return problem("seeds", str(error))
    if other:
        return problem(
            "seeds",
            f"the warehouse has other figures than the files {listed(other)}",
            "Run make migrate, or python -m chargeback migrate, which loads them",
        )
    return ok("seeds", "the figures of include/config/seeds")


def _rows(session: Connection, statement: str, **parameters: object) -> Sequence[Row[Any]]:
    return execute(session, statement, **parameters).all()
