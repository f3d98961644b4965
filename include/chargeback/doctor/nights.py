"""What the ledger tells: unfinished loads, the day of what is published, the request budget, seeds, old rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.doctor.findings import Finding, listed, ok, problem, warning
from chargeback.errors import SettingsInvalid
from chargeback.steps import freshness
from chargeback.steps.freshness import FreshnessPolicy
from chargeback.warehouse import seeds
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Row

    from chargeback.methods import Catalog
    from chargeback.settings import FlexeraSettings

_STALE_HOURS = 20  # dagrun_timeout of the nightly DAG
_MOST_WAIT_SECONDS = 120
# What a method names, and the seed that has it.
_LISTS = {
    "minimum_list": "license_minimums",
    "tier_list": "consumption_tiers",
    "cloud_list": "cloud_vcpus",
}
_KEPT_DAYS = 10  # superseded_days of the maintenance, and a few nights more


def examine(session: Connection, organizations: Sequence[FlexeraSettings]) -> list[Finding]:
    """Every finding of the ledger; `organizations` are those whose connections can be used."""
    return [
        unfinished_loads(session),
        last_failure(session),
        *(published(session, each.org_id).of(each.conn_id) for each in organizations),
        *(budget(session, each).of(each.conn_id) for each in organizations),
        size(session),
        reference_figures(session),
    ]


def unfinished_loads(session: Connection) -> Finding:
    """Loads that nobody works on any more although they are not finished."""
    running = _rows(
        session,
        """
        select
            load_id, org_id, snapshot_date,
            clock_timestamp() - started_at > %(hours)s * interval '1 hour' as is_stale
        from ops.loads
        where status = 'running'
        order by load_id
        """,
        hours=_STALE_HOURS,
    )
    stale = [_named(row) for row in running if row.is_stale]
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
        select load_id, org_id, snapshot_date, failure
        from (select distinct on (org_id) * from ops.loads order by org_id asc, load_id desc) as newest
        where status = 'failed'
        """,
    )
    if not failed:
        return ok("last load", "did not fail")
    told = [f"{_named(row)} failed: {row.failure}" for row in failed]
    return warning("last load", listed(told), "Do what it says, then clear the red task; see docs/runbook.md")


def published(session: Connection, org_id: str) -> Finding:
    """Whether the newest snapshot of an organization is as new as the watch over the nights wants it."""
    newest, policy = freshness.newest(session, org_id), FreshnessPolicy()
    if newest.snapshot_date is None:
        return warning("published", str(newest), "Run make run, or switch on and trigger its nightly DAG")
    if newest.is_stale(policy):
        return problem(
            "published",
            f"{newest}; {policy.allowed_age_hours} hours are allowed",
            "See in Airflow whether its nightly DAG is switched on and how its last run ended",
        )
    return ok("published", str(newest))


def budget(session: Connection, settings: FlexeraSettings) -> Finding:
    """Whether a request to an organization may be sent soon."""
    rows = _rows(
        session,
        """
        select
            request_count, throttled_count,
            extract(epoch from greatest(next_request_at, blocked_until) - clock_timestamp())::int as wait_seconds
        from ops.request_budgets
        where budget_id = any(%(budget_ids)s)
        """,
        budget_ids=[settings.budget_id, settings.token_budget_id],
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


def method_lists(session: Connection, catalog: Catalog) -> Finding:
    """Whether every list that a method names has a line: one that has none would count nothing, and say nothing."""
    missing: list[str] = []
    for kind, table in _LISTS.items():
        known = {row[0] for row in _rows(session, f"select {kind} from mart.{table}")}  # noqa: S608
        named = {method.method_id: getattr(method, kind) for method in catalog.methods.values()}
        missing += [
            f"{kind} {name!r} of {method_id}"
            for method_id, name in named.items()
            if name not in {None, *known}
        ]
    if missing:
        return problem(
            "method lists",
            f"no line of include/config/seeds is of {listed(missing)}",
            "Correct the name in include/config/methods.yaml, or add the list to "
            f"{listed([f'{table}.csv' for table in _LISTS.values()])} and run make migrate",
        )
    return ok("method lists", "each that a method names is in the seeds")


def _named(load: Row[Any]) -> str:
    return f"load {load.load_id} of {load.snapshot_date} of organization {load.org_id}"


def _rows(session: Connection, statement: str, **parameters: object) -> Sequence[Row[Any]]:
    return execute(session, statement, **parameters).all()
