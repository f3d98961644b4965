"""How long ago the day of the newest published snapshot began, and whether people were told so today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chargeback.errors import SnapshotStale
from chargeback.plain_text import plain_logger
from chargeback.steps.policy import Policy
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

log = plain_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessPolicy(Policy):
    """How many hours may have passed since 00:00 UTC of the date of the newest snapshot.

    36 is noon of the day after: the next night began at 04:00, and 10,000 licenses take four hours.
    """

    allowed_age_hours: int = 36


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest published snapshot of an organization; None where there is none yet.

    Its age counts from 00:00 UTC of its date, whenever it was published: what matters is that newer dates come.
    Before the first one, what counts is how long ago the load that builds it began; None where none is running.
    """

    org_id: str
    snapshot_date: date | None
    age_hours: float | None
    first_load_hours: float | None = None

    def is_stale(self, policy: FreshnessPolicy) -> bool:
        """Whether its day began longer ago than allowed, or it is not there and not under way either."""
        hours = self.first_load_hours if self.age_hours is None else self.age_hours
        return hours is None or hours > policy.allowed_age_hours

    def __str__(self) -> str:
        if self.snapshot_date is None:
            under_way = "" if self.first_load_hours is None else "; its first load is running"
            return f"organization {self.org_id}: no snapshot is published yet{under_way}"
        hours, minutes = divmod(int((self.age_hours or 0) * 60), 60)
        return (
            f"organization {self.org_id}: the newest snapshot is of {self.snapshot_date}, a day that began "
            f"{hours} h {minutes} min ago (at 00:00 UTC)"
        )


def newest(connection: Connection, org_id: str) -> Newest:
    """What BI shows last of an organization, by the clock of the database."""
    row = execute(
        connection,
        """
        select
            max(snapshot_date) as snapshot_date,
            extract(epoch from clock_timestamp() - max(snapshot_date)::timestamp at time zone 'UTC') / 3600
                as age_hours,
            (
                select extract(epoch from clock_timestamp() - max(loads.started_at)) / 3600
                from ops.loads
                where loads.org_id = %(org_id)s and loads.status = 'running'
            ) as load_hours
        from ops.snapshots
        where org_id = %(org_id)s
        """,
        org_id=org_id,
    ).one()
    if row.snapshot_date is not None:
        return Newest(org_id, row.snapshot_date, float(row.age_hours))
    return Newest(org_id, None, None, None if row.load_hours is None else float(row.load_hours))


def check(found: Newest, policy: FreshnessPolicy, dag_id: str, first_run_due: datetime | None = None) -> None:
    """Raise SnapshotStale where the newest snapshot is too old, or missing with no first run due."""
    if found.snapshot_date is None and first_run_due is not None:
        log.info("%s; the first run of DAG %s is due at %s", found, dag_id, first_run_due)
        return
    if found.is_stale(policy):
        raise SnapshotStale(
            f"{found}; {policy.allowed_age_hours} hours are allowed. See in Airflow whether the DAG {dag_id} is "
            "switched on and how its last run ended; a date that was missed cannot be read any more."
        )
    log.info("%s", found)


def is_to_tell(database: Database, org_id: str) -> bool:
    """Whether nobody was told of this organization today, by the database's date in UTC; now somebody is."""
    with database.transaction() as connection:
        told = execute(
            connection,
            "insert into ops.staleness_notices (org_id) values (%(org_id)s) on conflict do nothing",
            org_id=org_id,
        )
    return told.rowcount == 1
