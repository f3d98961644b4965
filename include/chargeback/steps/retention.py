"""Drop what is old: raw pages, intermediate rows, and the facts of loads that nobody sees any more."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from chargeback.plain_text import plain_logger
from chargeback.steps import loads
from chargeback.steps.build import FACTS
from chargeback.steps.policy import Policy
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from sqlalchemy.engine import Connection, Row

log = plain_logger(__name__)

# How long to wait for a run that is just opening or publishing a load of the snapshot.
_LOCK_TIMEOUT = "5s"
# How long to leave alone tables that are in use, before each further try: the same tables hold all loads.
_PAUSES_SECONDS = (1.0, 5.0, 25.0)
_PARTS = {
    "pages": "raw pages",
    "levels": "intermediate rows",
    "star": "facts",
}
_SCHEMAS = {"pages": "staging", "levels": "intermediate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy(Policy):
    """How many days what is kept; the last snapshot of each month keeps its raw pages for ever.

    `raw_days` counts from the snapshot date and is for pages that a date can still be rebuilt from;
    `superseded_days` counts from the end of a load, and is for everything else.
    """

    raw_days: int = 90
    superseded_days: int = 7
    keep_month_ends: bool = True
    dry_run: bool = False


def apply(
    database: Database,
    policy: RetentionPolicy,
    now: datetime,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, int]:
    """Drop what the policy lets go, load by load. Returns counts; run again, it finds nothing left to do.

    A load that is running is left alone, and so are the star of a visible load and the pages of any that another
    one goes on with. A load whose tables stay in use is skipped with a warning, for the next run.
    """
    counts: Counter[str] = Counter()
    pauses = iter(_PAUSES_SECONDS)
    for org_id, snapshot_date in _open_snapshots(database):
        with database.transaction() as connection:
            expired = _expired(connection, org_id, snapshot_date, policy, now)
        for load in expired:
            counts += _drop_patiently(database, load, policy, now, pauses, sleep)
    return {name: counts[name] for name in ("loads", "partitions", "fact_rows", "bytes", "skipped")}


def _open_snapshots(database: Database) -> list[tuple[str, date]]:
    """The organizations and dates of which something may be left to drop, oldest first."""
    with database.transaction() as connection:
        return [tuple(row) for row in execute(connection, _OPEN_SNAPSHOTS).all()]


def _expired(
    connection: Connection, org_id: str, snapshot_date: date, policy: RetentionPolicy, now: datetime
) -> list[Row[Any]]:
    """The loads of a snapshot that have expired parts."""
    return list(
        execute(
            connection,
            _EXPIRED,
            org_id=org_id,
            snapshot_date=snapshot_date,
            now=now,
            raw_days=policy.raw_days,
            superseded_days=policy.superseded_days,
            keep_month_ends=policy.keep_month_ends,
        ).all()
    )


def _drop_patiently(
    database: Database,
    load: Row[Any],
    policy: RetentionPolicy,
    now: datetime,
    pauses: Iterator[float],
    sleep: Callable[[float], None],
) -> Counter[str]:
    """Drop what is expired of a load as soon as nobody uses its tables; give up when no pause is left."""
    while True:
        try:
            return _drop(database, load, policy, now)
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
        seconds = next(pauses, None)
        if seconds is None:
            log.warning("Skipped %s: its tables are in use. The next run tries again.", _described(load))
            return Counter({"skipped": 1})
        sleep(seconds)


def _drop(database: Database, load: Row[Any], policy: RetentionPolicy, now: datetime) -> Counter[str]:
    """Drop the expired parts of one load and say so in the ledger, all or nothing.

    They are judged once more when no run can open, take up or publish a load of the snapshot any more. The
    facts go first, so that partitions are locked for no longer than it takes to drop them.
    """
    with database.transaction() as connection:
        execute(connection, f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        loads.lock_snapshot(connection, load.org_id, load.snapshot_date)
        again = _expired(connection, load.org_id, load.snapshot_date, policy, now)
        found = next((each for each in again if each.load_id == load.load_id), None)
        if found is None:
            return Counter()
        counts = Counter({"loads": 1})
        if found.star_expired:
            counts["fact_rows"] = _delete_star(connection, found, is_only_told=policy.dry_run)
        partitions = _partitions(connection, found)
        counts.update(partitions=len(partitions), bytes=sum(each.bytes for each in partitions))
        if not policy.dry_run:
            _drop_partitions(connection, found)
            _note(connection, found)
    log.info("%s %s, %s", "Would drop" if policy.dry_run else "Dropped", _described(found), _told(counts))
    return counts


def _delete_star(connection: Connection, load: Row[Any], *, is_only_told: bool) -> int:
    """Delete the load's facts and what was put in quarantine, or only count the facts. Returns how many."""
    if is_only_told:
        counted = [f"select count(*) from {table} {_OF_LOAD}" for table in FACTS]  # noqa: S608 - our own names
        return sum(execute(connection, each, **_key(load)).scalar_one() for each in counted)
    for table in ("ops.quarantined_rows", "ops.unread_cells"):
        execute(connection, f"delete from {table} where load_id = %(load_id)s", load_id=load.load_id)  # noqa: S608
    deleted = [f"delete from {table} {_OF_LOAD}" for table in FACTS]  # noqa: S608 - our own names
    return sum(execute(connection, each, **_key(load)).rowcount for each in deleted)


def _partitions(connection: Connection, load: Row[Any]) -> list[Row[Any]]:
    """The load's expired partitions: `bytes` of each."""
    return list(execute(connection, _PARTITIONS, schemas=_expired_schemas(load), **_key(load)).all())


def _drop_partitions(connection: Connection, load: Row[Any]) -> None:
    """Drop them if all are free at once.

    Dropping a partition locks its parent. Who asks for all locks in one go and does not queue for them cannot
    keep anybody waiting, nor get into a deadlock with a step that uses the tables in another order.
    """
    execute(
        connection,
        "select ops.drop_partitions(%(load_id)s, %(schemas)s)",
        load_id=load.load_id,
        schemas=_expired_schemas(load),
    )


def _expired_schemas(load: Row[Any]) -> list[str]:
    return [schema for part, schema in _SCHEMAS.items() if getattr(load, f"{part}_expired")]


def _note(connection: Connection, load: Row[Any]) -> None:
    for part in _PARTS:
        if getattr(load, f"{part}_expired"):
            execute(
                connection,
                f"update ops.loads set {part}_dropped_at = clock_timestamp() where load_id = %(load_id)s",  # noqa: S608
                load_id=load.load_id,
            )


def _described(load: Row[Any]) -> str:
    parts = ", ".join(name for part, name in _PARTS.items() if getattr(load, f"{part}_expired"))
    return f"load {load.load_id} of snapshot {load.snapshot_date} ({load.status}): {parts}"


def _told(counts: Counter[str]) -> str:
    return f"{counts['partitions']} partitions of {counts['bytes']} bytes and {counts['fact_rows']} facts"


def _key(load: Row[Any]) -> dict[str, object]:
    return {"load_id": load.load_id, "snapshot_date": load.snapshot_date}


_OF_LOAD = "where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s"
_PARTITIONS = """
select pg_total_relation_size(to_regclass(partition_name)) as bytes
from
    (
        select
            ops.partition_of(pg_class.oid::regclass, %(load_id)s, %(snapshot_date)s) as partition_name
        from pg_catalog.pg_partitioned_table
        inner join pg_catalog.pg_class on pg_partitioned_table.partrelid = pg_class.oid
        inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where pg_namespace.nspname = any(%(schemas)s)
    ) as partitions
where to_regclass(partition_name) is not null
"""
_OPEN_SNAPSHOTS = """
select distinct
    org_id,
    snapshot_date
from ops.loads
where
    pages_dropped_at is null
    or levels_dropped_at is null
    or (star_dropped_at is null and load_id not in (select snapshots.load_id from ops.snapshots))
order by snapshot_date, org_id
"""
# A date is rebuilt from the newest finished extraction of each of its licenses and from its newest license list;
# these pages live by raw_days, and so do those that the visible load was built from. All others by superseded_days.
# What a load reads that still goes on is kept; a failed one may be cleared and go on for as long as it is kept itself.
_EXPIRED = """
with

-- A load that was replaced ended when the next one was published.
ended as (
    select
        *,
        coalesce(
            case status when 'superseded' then lead(published_at) over (order by published_at) end,
            finished_at,
            started_at
        ) as ended_at
    from ops.loads
    where org_id = %(org_id)s and snapshot_date = %(snapshot_date)s
),

of_snapshot as (
    select
        ended.*,
        ended.ended_at < %(now)s - make_interval(days => %(superseded_days)s) as is_past,
        snapshots.load_id is not null as is_visible
    from ended
    left join ops.snapshots on ended.load_id = snapshots.load_id
),

finished_extractions as (
    select
        extractions.load_id,
        extractions.license_id,
        extractions.extraction_id,
        extractions.finished_at
    from of_snapshot
    inner join ops.extractions on of_snapshot.load_id = extractions.load_id
    where extractions.status in ('complete', 'deleted') and of_snapshot.pages_dropped_at is null
),

newest_extractions as (
    select distinct on (license_id) load_id
    from finished_extractions
    order by
        license_id,
        finished_at desc,
        extraction_id desc
),

newest_list as (
    select max(load_id) as load_id
    from of_snapshot
    where source = 'api' and load_id in (select finished_extractions.load_id from finished_extractions)
),

built_from as (
    select
        load_id,
        pages_load_id as source_load_id
    from of_snapshot
    union
    select
        load_licenses.load_id,
        extractions.load_id as source_load_id
    from of_snapshot
    inner join ops.load_licenses on of_snapshot.load_id = load_licenses.load_id
    inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
),

rebuildable as (
    select load_id from newest_extractions
    union
    select load_id from newest_list
    union
    select built_from.source_load_id
    from built_from
    inner join of_snapshot on built_from.load_id = of_snapshot.load_id
    where of_snapshot.is_visible
),

in_use as (
    select built_from.source_load_id
    from built_from
    inner join of_snapshot on built_from.load_id = of_snapshot.load_id
    where of_snapshot.status = 'running' or (of_snapshot.status = 'failed' and not of_snapshot.is_past)
),

month_end as (
    select max(snapshot_date) as snapshot_date
    from ops.snapshots
    where
        org_id = %(org_id)s
        and snapshot_date >= date_trunc('month', %(snapshot_date)s::timestamp)
        and snapshot_date < date_trunc('month', %(snapshot_date)s::timestamp) + interval '1 month'
),

finished as (
    select
        of_snapshot.*,
        of_snapshot.load_id in (select rebuildable.load_id from rebuildable) as is_rebuildable,
        of_snapshot.snapshot_date < %(now)s::date - %(raw_days)s
        and not (%(keep_month_ends)s and coalesce(of_snapshot.snapshot_date = month_end.snapshot_date, false))
            as is_old
    from of_snapshot
    cross join month_end
    where of_snapshot.status <> 'running'
),

judged as (
    select
        load_id,
        org_id,
        snapshot_date,
        status,
        pages_dropped_at is null
        and load_id not in (select in_use.source_load_id from in_use)
        and case when is_rebuildable or is_visible then is_old else is_past end
            as pages_expired,
        levels_dropped_at is null and is_past as levels_expired,
        star_dropped_at is null and is_past and not is_visible as star_expired
    from finished
)

select * from judged
where pages_expired or levels_expired or star_expired
order by load_id
"""
