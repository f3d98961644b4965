"""Open a load, take it through its states, and settle which pages it is built from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chargeback.errors import LoadSuperseded, SnapshotPartial, SourceUnavailable
from chargeback.plain_text import plain_logger
from chargeback.selection import LicenseFilter
from chargeback.warehouse import locks, migrations, scripts
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from sqlalchemy.engine import Connection

    from chargeback.steps.load_request import LoadRequest

log = plain_logger(__name__)

# How long after its opening a load may still read from the API; longer than a run may take.
_EXTRACTION_HOURS = 24


@dataclass(frozen=True, slots=True)
class Load:
    """One attempt to build a snapshot; `pages_load_id` is the load whose license list it is built from."""

    load_id: int
    org_id: str
    snapshot_date: date
    source: str
    pages_load_id: int
    rebuild_of: int | None
    status: str
    on_license_failure: str
    allowed_shrink_percent: Decimal
    allowed_gap_percent: Decimal
    filters: dict[str, list[str]]
    dag_run_id: str | None

    @property
    def parameters(self) -> dict[str, object]:
        """What the SQL files may bind."""
        return {
            "load_id": self.load_id,
            "pages_load_id": self.pages_load_id,
            "org_id": self.org_id,
            "snapshot_date": self.snapshot_date,
        }

    @property
    def license_filter(self) -> LicenseFilter:
        return LicenseFilter.from_params(self.filters)


def open_load(database: Database, request: LoadRequest) -> int:
    """Begin a load; unfinished loads of the same date give way to it. Returns its `load_id`."""
    with database.transaction() as connection:
        migrations.refuse_older(connection)
        lock_snapshot(connection, request.org_id, request.snapshot_date)
        _refuse_partial(connection, request)
        pages_load_id = _pages_to_rebuild(connection, request)
        execute(
            connection,
            """
            update ops.loads
            set status = 'abandoned', finished_at = clock_timestamp()
            where
                org_id = %(org_id)s
                and snapshot_date = %(snapshot_date)s
                and status in ('running', 'failed')
            """,
            org_id=request.org_id,
            snapshot_date=request.snapshot_date,
        )
        load_id = _insert_load(
            connection,
            org_id=request.org_id,
            snapshot_date=request.snapshot_date,
            pages_load_id=pages_load_id,
            rebuild_of=None,
            on_license_failure=request.on_license_failure,
            allowed_shrink_percent=request.allowed_shrink_percent,
            allowed_gap_percent=request.allowed_gap_percent,
            filters=request.license_filter.as_dict(),
            dag_run_id=request.dag_run_id,
        )
    source = "the API" if pages_load_id is None else f"the pages that load {pages_load_id} has kept"
    log.info(
        "Load %s of snapshot %s of organization %s, from %s (source %s, %s)",
        load_id,
        request.snapshot_date,
        request.org_id,
        source,
        request.source,
        request.license_filter,
    )
    return load_id


def get(connection: Connection, load_id: int) -> Load:
    """The load as the ledger has it."""
    row = execute(
        connection,
        """
        select
            load_id, org_id, snapshot_date, source, pages_load_id, rebuild_of, status,
            on_license_failure, allowed_shrink_percent, allowed_gap_percent, filters, dag_run_id
        from ops.loads
        where load_id = %(load_id)s
        """,
        load_id=load_id,
    ).one()
    return Load(**row._mapping)


def keeps_previous(database: Database, load_id: int) -> bool:
    """Whether a license that cannot be read is to be carried forward rather than stop the load."""
    with database.transaction() as connection:
        return get(connection, load_id).on_license_failure == "keep_previous"


def for_extraction(database: Database, load_id: int) -> Load:
    """The load to stage pages for: pages may still be added to a published one, never to one given up.

    Nor to one that was opened long ago: the API would answer with another day than the load's other pages.
    """
    with database.transaction() as connection:
        _refuse_given_up(connection, _latest(connection, load_id))
        load = get(connection, load_id)
        if load.source == "api":
            _refuse_late(connection, load)
        else:
            _refuse_dropped(connection, load)
        return load


def for_listing(database: Database, load_id: int) -> Load:
    """The load to write the license list of; the list of a published load stays as it is."""
    load = for_extraction(database, load_id)
    if load.status in {"published", "superseded"}:
        raise LoadSuperseded(
            f"Load {load_id} of snapshot {load.snapshot_date} is published, so its license list is final. Nothing "
            "was written. Clear open_load and everything after it, or trigger a new run."
        )
    return load


def for_writing(database: Database, load_id: int) -> Load:
    """The load that steps after the extraction write: `load_id` itself while it is not published.

    What is published is never changed in place. A step that is cleared and run again on a published load
    builds a successor from the same pages; it becomes visible when it is published in its turn. What is
    written anew has to pass the checks anew.
    """
    with database.transaction() as connection:
        first = get(connection, load_id)
        lock_snapshot(connection, first.org_id, first.snapshot_date)
        load = _refuse_given_up(connection, _latest(connection, load_id))
        _refuse_dropped(connection, load)
        if load.status == "published":
            load = _open_successor(connection, first)
        execute(
            connection,
            """
            update ops.loads
            set status = 'running', failure = null, star_checked_at = null
            where load_id = %(load_id)s
            """,
            load_id=load.load_id,
        )
        return get(connection, load.load_id)


def for_publishing(connection: Connection, load_id: int) -> Load:
    """The load to publish; until the transaction ends no other load of its snapshot is opened or published."""
    first = get(connection, load_id)
    lock_snapshot(connection, first.org_id, first.snapshot_date)
    return _refuse_given_up(connection, _latest(connection, load_id))


def record_failure(database: Database, load_id: int, reason: str) -> None:
    """Say in the ledger why a load stopped; a published load stays as it is."""
    with database.transaction() as connection:
        execute(
            connection,
            """
            update ops.loads
            set status = 'failed', failure = %(reason)s, finished_at = clock_timestamp()
            where load_id = %(load_id)s and status in ('running', 'failed')
            """,
            load_id=_latest(connection, load_id).load_id,
            reason=reason,
        )


def running_runs(database: Database, org_id: str) -> list[str]:
    """The runs that the loads under way of an organization are of."""
    with database.transaction() as connection:
        return list(
            execute(
                connection,
                """
                select distinct dag_run_id from ops.loads
                where org_id = %(org_id)s and status = 'running' and dag_run_id is not null
                """,
                org_id=org_id,
            ).scalars()
        )


def close_failed_run(database: Database, org_id: str, dag_run_id: str, reason: str) -> None:
    """Mark the loads a failed run left open; a reason that a task gave before stays.

    Scheduled runs of several organizations bear the same id.
    """
    with database.transaction() as connection:
        execute(
            connection,
            """
            update ops.loads
            set
                status = 'failed',
                failure = coalesce(failure, %(reason)s),
                finished_at = coalesce(finished_at, clock_timestamp())
            where
                org_id = %(org_id)s
                and dag_run_id = %(dag_run_id)s
                and status in ('running', 'failed')
            """,
            org_id=org_id,
            dag_run_id=dag_run_id,
            reason=reason,
        )


def settle_extractions(connection: Connection, load: Load) -> None:
    """Write down, license by license, which finished extraction the load is built from.

    A load from the API uses its own; a rebuild those of the load it repeats; a load from raw pages the
    newest of its date. A selected license without one has failed; `check_staging` decides what follows.
    """
    execute(
        connection,
        """
        update ops.load_licenses
        set extraction_id = (
            select extractions.extraction_id
            from ops.extractions
            inner join ops.loads on extractions.load_id = loads.load_id
            where
                extractions.license_id = load_licenses.license_id
                and extractions.status in ('complete', 'deleted')
                and loads.org_id = %(org_id)s
                and loads.snapshot_date = %(snapshot_date)s
                and (
                    loads.load_id = %(pages_load_id)s
                    or (%(is_any_of_the_date)s and loads.pages_dropped_at is null)
                )
            order by extractions.finished_at desc, extractions.extraction_id desc
            limit 1
        )
        where load_licenses.load_id = %(load_id)s and load_licenses.is_selected
        """,
        **load.parameters,
        is_any_of_the_date=load.source == "raw" and load.rebuild_of is None,
    )
    for table in ("ops.load_licenses", "ops.extractions"):
        scripts.analyze(connection, table, load.parameters)


def _pages_to_rebuild(connection: Connection, request: LoadRequest) -> int | None:
    """The load whose raw pages the request is built from, or None to ask the API."""
    if request.source == "api":
        return None
    if request.source == "auto" and request.is_present:
        return None
    found = execute(
        connection,
        """
        select
            max(load_id) filter (where pages_dropped_at is null) as load_id,
            max(pages_dropped_at)::date as dropped_on
        from ops.loads
        where
            org_id = %(org_id)s
            and snapshot_date = %(snapshot_date)s
            and source = 'api'
            and exists (
                select 1 from ops.extractions
                where extractions.load_id = loads.load_id and extractions.status in ('complete', 'deleted')
            )
        """,
        org_id=request.org_id,
        snapshot_date=request.snapshot_date,
    ).one()
    if found.load_id is None:
        raise _without_pages(request, found.dropped_on)
    return int(found.load_id)


def _refuse_partial(connection: Connection, request: LoadRequest) -> None:
    """Refuse a filtered run of a date without a snapshot: BI would show a part of the bill as if it were all."""
    if request.allow_partial or not request.license_filter.as_dict():
        return
    is_visible = execute(
        connection,
        """
        select exists (
            select 1 from ops.snapshots
            where org_id = %(org_id)s and snapshot_date = %(snapshot_date)s
        )
        """,
        org_id=request.org_id,
        snapshot_date=request.snapshot_date,
    ).scalar_one()
    if not is_visible:
        raise SnapshotPartial(
            f"Snapshot {request.snapshot_date} of organization {request.org_id}: nothing is published for that date "
            f"yet, and the filter ({request.license_filter}) takes a part of the licenses only, so the bill would look "
            "smaller than it is. Nothing was read. Run the date without a filter first; a filtered run then replaces "
            "its licenses and keeps the others. For a trial set allow_partial to true."
        )


def _without_pages(request: LoadRequest, dropped_on: date | None) -> SourceUnavailable:
    why = (
        f"its raw pages were dropped on {dropped_on}, {(dropped_on - request.snapshot_date).days} days after it, by "
        "the DAG warehouse_maintenance"
        if dropped_on
        else "no raw pages are kept for that date"
    )
    return SourceUnavailable(
        f"Snapshot {request.snapshot_date} of organization {request.org_id}: {why}, and the API only knows the "
        f"present ({request.today}). Nothing was changed. Trigger a run for today, choose a date with raw pages, or "
        f"set source to 'api' to store today's answer under {request.snapshot_date}."
    )


def _insert_load(
    connection: Connection,
    *,
    org_id: str,
    snapshot_date: date,
    pages_load_id: int | None,
    rebuild_of: int | None,
    on_license_failure: str,
    allowed_shrink_percent: Decimal,
    allowed_gap_percent: Decimal,
    filters: Mapping[str, Any],
    dag_run_id: str | None,
) -> int:
    load_id: int = execute(
        connection,
        "select nextval(pg_get_serial_sequence('ops.loads', 'load_id'))",
    ).scalar_one()
    execute(
        connection,
        """
        insert into ops.loads (
            load_id, org_id, snapshot_date, source, pages_load_id, rebuild_of, status,
            on_license_failure, allowed_shrink_percent, allowed_gap_percent, filters, dag_run_id
        )
        overriding system value
        values (
            %(load_id)s, %(org_id)s, %(snapshot_date)s, %(source)s, %(pages_load_id)s, %(rebuild_of)s, 'running',
            %(on_license_failure)s, %(allowed_shrink_percent)s, %(allowed_gap_percent)s, %(filters)s::jsonb,
            %(dag_run_id)s
        )
        """,
        load_id=load_id,
        org_id=org_id,
        snapshot_date=snapshot_date,
        source="api" if pages_load_id is None else "raw",
        pages_load_id=load_id if pages_load_id is None else pages_load_id,
        rebuild_of=rebuild_of,
        on_license_failure=on_license_failure,
        allowed_shrink_percent=allowed_shrink_percent,
        allowed_gap_percent=allowed_gap_percent,
        filters=json.dumps(filters),
        dag_run_id=dag_run_id,
    )
    execute(
        connection,
        "select ops.ensure_partitions(%(load_id)s, %(snapshot_date)s)",
        load_id=load_id,
        snapshot_date=snapshot_date,
    )
    return load_id


def _open_successor(connection: Connection, first: Load) -> Load:
    load_id = _insert_load(
        connection,
        org_id=first.org_id,
        snapshot_date=first.snapshot_date,
        pages_load_id=first.pages_load_id,
        rebuild_of=first.load_id,
        on_license_failure=first.on_license_failure,
        allowed_shrink_percent=first.allowed_shrink_percent,
        allowed_gap_percent=first.allowed_gap_percent,
        filters=first.filters,
        dag_run_id=first.dag_run_id,
    )
    execute(
        connection,
        """
        insert into ops.load_licenses (
            load_id, license_id, position, license_name, license_type, publisher, is_selected
        )
        select %(load_id)s, license_id, position, license_name, license_type, publisher, is_selected
        from ops.load_licenses
        where load_id = %(first_load_id)s
        """,
        load_id=load_id,
        first_load_id=first.load_id,
    )
    return get(connection, load_id)


def _latest(connection: Connection, load_id: int) -> Load:
    latest_id: int = execute(
        connection,
        "select max(load_id) from ops.loads where load_id = %(load_id)s or rebuild_of = %(load_id)s",
        load_id=load_id,
    ).scalar_one()
    return get(connection, latest_id)


def _refuse_given_up(connection: Connection, load: Load) -> Load:
    if load.status not in {"abandoned", "superseded"}:
        return load
    newest = execute(
        connection,
        "select max(load_id) from ops.loads where org_id = %(org_id)s and snapshot_date = %(snapshot_date)s",
        org_id=load.org_id,
        snapshot_date=load.snapshot_date,
    ).scalar_one()
    raise LoadSuperseded(
        f"Load {load.load_id} of snapshot {load.snapshot_date} is {load.status}: load {newest} took its place. "
        f"Nothing was written. Clear the task in the run that made load {newest}, or trigger a new run."
    )


def _refuse_late(connection: Connection, load: Load) -> None:
    is_late = execute(
        connection,
        """
        select started_at < clock_timestamp() - make_interval(hours => %(hours)s)
        from ops.loads
        where load_id = %(load_id)s
        """,
        hours=_EXTRACTION_HOURS,
        load_id=load.load_id,
    ).scalar_one()
    if is_late:
        raise SourceUnavailable(
            f"Load {load.load_id} of snapshot {load.snapshot_date} was opened more than {_EXTRACTION_HOURS} hours "
            "ago, and the API only knows the present: its pages would be of another day. Nothing was asked. Clear "
            f"from check_staging on to build from the pages it has, or trigger {load.snapshot_date} with source "
            "'raw'."
        )


def _refuse_dropped(connection: Connection, load: Load) -> None:
    """Refuse to go on with a load whose pages are gone, or whose own tables are and which no successor replaces."""
    dropped_on = execute(
        connection,
        """
        select
            coalesce(
                pages.pages_dropped_at,
                case when loads.status <> 'published' then loads.levels_dropped_at end
            )::date
        from ops.loads
        inner join ops.loads as pages on loads.pages_load_id = pages.load_id
        where loads.load_id = %(load_id)s
        """,
        load_id=load.load_id,
    ).scalar_one()
    if dropped_on:
        raise SourceUnavailable(
            f"Load {load.load_id} of snapshot {load.snapshot_date} cannot go on: what it is built from was dropped on "
            f"{dropped_on} by the DAG warehouse_maintenance, as it was too old. What is published stays as it is. "
            f"If raw pages of the date are kept, a new run with snapshot_date {load.snapshot_date} builds it anew."
        )


def lock_snapshot(connection: Connection, org_id: str, snapshot_date: date) -> None:
    """One writer of the ledger per snapshot; held until the transaction ends."""
    locks.take(connection, f"snapshot/{org_id}/{snapshot_date}")
