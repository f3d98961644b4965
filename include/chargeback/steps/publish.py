"""Make a checked load the visible one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.errors import LoadUnchecked
from chargeback.plain_text import plain_logger
from chargeback.steps import loads, summary
from chargeback.warehouse.database import Database, address, execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from chargeback.steps.loads import Load

log = plain_logger(__name__)


def publish(database: Database, load_id: int) -> dict[str, Any]:
    """Point the snapshot at this load, in one small transaction. Returns the snapshot's totals and summary.

    A load that is published already stays as it is, so that a task that died after its work may run again.
    """
    with database.transaction() as connection:
        load = loads.for_publishing(connection, load_id)
        if load.status != "published":
            _refuse_unchecked(connection, load)
            _count(connection, load)
            _show(connection, load)
        totals = execute(
            connection,
            """
            select load_id, org_id, snapshot_date, license_count, row_count, recharged_cost, currency
            from ops.loads
            where load_id = %(load_id)s
            """,
            load_id=load.load_id,
        ).one()
        told = summary.of_load(connection, load.load_id)
    log.info(
        "The charges are in bi.chargeback where snapshot_date = '%s', in the warehouse %s",
        load.snapshot_date,
        address(database.url),
    )
    log.info(told)
    return {name: _plain(value) for name, value in totals._mapping.items()} | {"summary": told}


def _show(connection: Connection, load: Load) -> None:
    """Take the visible load of the snapshot out of sight and put this one in its place."""
    execute(
        connection,
        """
        update ops.loads
        set status = 'superseded', finished_at = coalesce(finished_at, clock_timestamp())
        where
            load_id = (
                select load_id from ops.snapshots
                where org_id = %(org_id)s and snapshot_date = %(snapshot_date)s
            )
        """,
        **load.parameters,
    )
    execute(
        connection,
        """
        insert into ops.snapshots (org_id, snapshot_date, load_id, published_at)
        values (%(org_id)s, %(snapshot_date)s, %(load_id)s, clock_timestamp())
        on conflict (org_id, snapshot_date)
        do update set load_id = excluded.load_id, published_at = excluded.published_at
        """,
        **load.parameters,
    )
    execute(
        connection,
        """
        update ops.loads
        set
            status = 'published', failure = null,
            published_at = clock_timestamp(), finished_at = clock_timestamp()
        where load_id = %(load_id)s
        """,
        load_id=load.load_id,
    )


def _refuse_unchecked(connection: Connection, load: Load) -> None:
    checked_at = execute(
        connection,
        "select star_checked_at from ops.loads where load_id = %(load_id)s",
        load_id=load.load_id,
    ).scalar_one()
    if checked_at is None:
        raise LoadUnchecked(
            f"Load {load.load_id} of snapshot {load.snapshot_date} has not passed its checks, so it was not "
            "published. Clear the run from check_staging on."
        )


def _count(connection: Connection, load: Load) -> None:
    """Write the load's size into the ledger, so that bi.snapshot need not count facts.

    Currencies are never added: charges in several have no total.
    """
    execute(
        connection,
        """
        update ops.loads
        set
            license_count = positions.license_count,
            row_count = facts.row_count,
            recharged_cost = facts.recharged_cost,
            currency = facts.currency,
            page_count = positions.page_count,
            request_count = coalesce(loads.request_count, 0) + requests.request_count
        from
            (
                select
                    coalesce(sum(row_count), 0) as row_count,
                    case when count(*) filter (where has_cost) <= 1 then coalesce(sum(recharged_cost), 0) end
                        as recharged_cost,
                    case when count(*) filter (where has_cost) <= 1 then max(currency) filter (where has_cost) end
                        as currency
                from (
                    select
                        currency,
                        count(*) as row_count,
                        coalesce(sum(recharged_cost), 0) as recharged_cost,
                        bool_or(recharged_cost <> 0) as has_cost
                    from mart.fct_chargeback
                    where snapshot_date = %(snapshot_date)s and load_id = %(load_id)s
                    group by currency
                ) as currencies
            ) as facts
        cross join
            (
                select
                    count(*) as license_count,
                    coalesce(sum(page_count), 0) as page_count
                from mart.fct_license_positions
                where snapshot_date = %(snapshot_date)s and load_id = %(load_id)s
            ) as positions
        cross join
            (
                select coalesce(sum(request_count), 0) as request_count
                from ops.extractions
                where load_id = %(load_id)s
            ) as requests
        where loads.load_id = %(load_id)s
        """,
        **load.parameters,
    )


def _plain(value: object) -> object:
    """What an XCom and an asset event can carry: money as text, exactly."""
    return value if value is None or isinstance(value, int) else str(value)
