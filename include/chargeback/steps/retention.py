"""Drop what is old: raw pages, intermediate rows, and the facts of loads that nobody sees any more."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from chargeback.errors import SettingsInvalid
from chargeback.steps.build import LAYERS
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

log = logging.getLogger(__name__)

# A partition is dropped only if its table is free at once: readers and writers are never kept waiting.
_LOCK_TIMEOUT = "5s"
_PARTS = {
    "pages": "raw pages",
    "levels": "intermediate rows",
    "star": "facts",
}
_SCHEMAS = {"pages": "staging", "levels": "intermediate"}
_FACTS = [f"mart.{table}" for table in LAYERS["mart"] if table.startswith("fct_")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """How many days what is kept; the last snapshot of each month keeps its raw pages for ever.

    `raw_days` counts from the snapshot date and is for pages that a date can still be rebuilt from;
    `superseded_days` counts from the end of a load, and is for everything else.
    """

    raw_days: int = 90
    superseded_days: int = 7
    keep_month_ends: bool = True
    dry_run: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RetentionPolicy:
        """The policy in the params of a run; SettingsInvalid lists everything that is wrong with them."""
        defaults = {each.name: each.default for each in fields(cls)}
        given = {name: value for name, value in params.items() if value is not None}
        mistakes = [
            f"'{name}' is not a param of this DAG; it has {', '.join(defaults)}"
            for name in sorted(set(given) - set(defaults))
        ]
        for name, default in defaults.items():
            value = given.get(name, default)
            if type(value) is not type(default) or (type(value) is int and value < 1):
                expected = (
                    "true or false" if isinstance(default, bool) else "a whole number of days, 1 or more"
                )
                mistakes.append(f"{name} is {value!r}; it must be {expected}")
        if mistakes:
            raise SettingsInvalid("DAG params: " + "; ".join(mistakes) + ". Correct them and trigger again.")
        return cls(**given)


def apply(database: Database, policy: RetentionPolicy, now: datetime) -> dict[str, int]:
    """Drop what the policy lets go, load by load. Returns counts; run again, it finds nothing left to do.

    What is not finished is left alone, and so is the star of a visible load and all that a running one reads.
    """
    counts = Counter({"loads": 0, "partitions": 0, "fact_rows": 0, "bytes": 0, "skipped": 0})
    for load in _expired(database, policy, now):
        parts = [part for part in _PARTS if getattr(load, f"{part}_expired")]
        what = f"load {load.load_id} of snapshot {load.snapshot_date} ({load.status}): " + ", ".join(
            _PARTS[part] for part in parts
        )
        try:
            dropped = _drop(database, load, parts, is_only_told=policy.dry_run)
        except OperationalError as error:
            if "lock timeout" not in str(error):
                raise
            log.warning("Skipped %s: in use. The next run tries again.", what)
            counts["skipped"] += 1
            continue
        log.info("%s %s", "Would drop" if policy.dry_run else "Dropped", what)
        counts.update({"loads": 1, **dropped})
    return dict(counts)


def _expired(database: Database, policy: RetentionPolicy, now: datetime) -> list[Row[Any]]:
    with database.transaction() as connection:
        return list(
            execute(
                connection,
                _EXPIRED,
                now=now,
                raw_days=policy.raw_days,
                superseded_days=policy.superseded_days,
                keep_month_ends=policy.keep_month_ends,
            ).all()
        )


def _drop(database: Database, load: Row[Any], parts: list[str], *, is_only_told: bool) -> Counter[str]:
    """Drop some parts of one load and say so in the ledger, all or nothing."""
    counts: Counter[str] = Counter()
    with database.transaction() as connection:
        execute(connection, f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        for part in parts:
            counts += _sizes(connection, load, part)
            if not is_only_told:
                _drop_part(connection, load, part)
    return counts


def _sizes(connection: Connection, load: Row[Any], part: str) -> Counter[str]:
    if part == "star":
        rows = sum(
            execute(connection, f"select count(*) from {table} {_OF_LOAD}", **_key(load)).scalar_one()  # noqa: S608
            for table in _FACTS
        )
        return Counter({"fact_rows": rows})
    partitions = _partitions(connection, load, _SCHEMAS[part])
    return Counter({"partitions": len(partitions), "bytes": sum(size for _, size in partitions)})


def _drop_part(connection: Connection, load: Row[Any], part: str) -> None:
    if part == "star":
        for table in (*_FACTS, "ops.quarantined_rows"):
            of_load = _OF_LOAD if table in _FACTS else "where load_id = %(load_id)s"
            execute(connection, f"delete from {table} {of_load}", **_key(load))  # noqa: S608
    else:
        for name, _ in _partitions(connection, load, _SCHEMAS[part]):
            execute(connection, f"drop table {name}")
    execute(
        connection,
        f"update ops.loads set {part}_dropped_at = clock_timestamp() where load_id = %(load_id)s",  # noqa: S608
        load_id=load.load_id,
    )


def _partitions(connection: Connection, load: Row[Any], schema: str) -> list[tuple[str, int]]:
    """The load's partitions in a schema: quoted name and bytes."""
    rows = execute(connection, _PARTITIONS, schema=schema, **_key(load)).all()
    return [(row.name, row.bytes) for row in rows]


def _key(load: Row[Any]) -> dict[str, object]:
    return {"load_id": load.load_id, "snapshot_date": load.snapshot_date}


_OF_LOAD = "where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s"
_PARTITIONS = """
select
    partition_name as name,
    pg_total_relation_size(to_regclass(partition_name)) as bytes
from
    (
        select ops.partition_of(
            pg_partitioned_table.partrelid::regclass, %(load_id)s, %(snapshot_date)s
        ) as partition_name
        from pg_catalog.pg_partitioned_table
        inner join pg_catalog.pg_class on pg_partitioned_table.partrelid = pg_class.oid
        inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where pg_namespace.nspname = %(schema)s
    ) as partitions
where to_regclass(partition_name) is not null
order by partition_name
"""
# A date is rebuilt from the newest finished extraction of each of its licenses and from its newest license list;
# these pages live by raw_days, and so do those that a visible load was built from. All others by superseded_days.
_EXPIRED = """
with

newest_extractions as (
    select distinct on (loads.org_id, loads.snapshot_date, extractions.license_id) extractions.load_id
    from ops.extractions
    inner join ops.loads on extractions.load_id = loads.load_id
    where extractions.status in ('complete', 'deleted') and loads.pages_dropped_at is null
    order by
        loads.org_id,
        loads.snapshot_date,
        extractions.license_id,
        extractions.finished_at desc,
        extractions.extraction_id desc
),

newest_lists as (
    select max(loads.load_id) as load_id
    from ops.loads
    where
        loads.source = 'api'
        and loads.pages_dropped_at is null
        and exists (
            select 1 from ops.extractions
            where extractions.load_id = loads.load_id and extractions.status in ('complete', 'deleted')
        )
    group by loads.org_id, loads.snapshot_date
),

built_from as (
    select
        loads.load_id,
        loads.status,
        loads.pages_load_id as source_load_id
    from ops.loads
    union
    select
        load_licenses.load_id,
        loads.status,
        extractions.load_id as source_load_id
    from ops.load_licenses
    inner join ops.loads on load_licenses.load_id = loads.load_id
    inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
),

rebuildable as (
    select load_id from newest_extractions
    union
    select load_id from newest_lists
    union
    select built_from.source_load_id
    from built_from
    inner join ops.snapshots on built_from.load_id = snapshots.load_id
),

read_now as (
    select source_load_id as load_id
    from built_from
    where status = 'running'
),

month_ends as (
    select
        org_id,
        max(snapshot_date) as snapshot_date
    from ops.snapshots
    group by org_id, date_trunc('month', snapshot_date)
),

finished as (
    select
        loads.load_id,
        loads.snapshot_date,
        loads.status,
        loads.pages_dropped_at,
        loads.levels_dropped_at,
        loads.star_dropped_at,
        loads.load_id in (select snapshots.load_id from ops.snapshots) as is_visible,
        loads.load_id in (select rebuildable.load_id from rebuildable) as is_rebuildable,
        %(keep_month_ends)s and exists (
            select 1 from month_ends
            where month_ends.org_id = loads.org_id and month_ends.snapshot_date = loads.snapshot_date
        ) as is_month_end,
        loads.snapshot_date < %(now)s::date - %(raw_days)s as is_old,
        coalesce(loads.finished_at, loads.started_at) < %(now)s - make_interval(days => %(superseded_days)s)
            as is_past
    from ops.loads
    where loads.status <> 'running' and loads.load_id not in (select read_now.load_id from read_now)
),

judged as (
    select
        load_id,
        snapshot_date,
        status,
        pages_dropped_at is null
        and case when is_rebuildable or is_visible then is_old and not is_month_end else is_past end
            as pages_expired,
        levels_dropped_at is null and is_past as levels_expired,
        star_dropped_at is null and is_past and not is_visible as star_expired
    from finished
)

select * from judged
where pages_expired or levels_expired or star_expired
order by load_id
"""
