"""What there is to say about a load, and whether it was said already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS = ("failure", "publish", "starvation")
# When hundreds of licenses fail for one reason, the first few messages say it.
_MOST_FAILURES = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people: what happened, to which license or task, why, and what to do."""

    event: str
    title: str
    text: str


def is_new(database: Database, load_id: int, event: str, subject: str) -> bool:
    """Note a message about a load, unless it was noted before or there are enough of its kind."""
    with database.transaction() as connection:
        noted = execute(
            connection,
            """
            insert into ops.notices (load_id, event, subject)
            select %(load_id)s, %(event)s, %(subject)s
            where (
                select count(*) from ops.notices
                where load_id = %(load_id)s and event = %(event)s
            ) < %(most)s
            on conflict do nothing
            """,
            load_id=load_id,
            event=event,
            subject=subject,
            most=_MOST_FAILURES if event == "failure" else 1,
        )
        return noted.rowcount > 0


def published(totals: Mapping[str, object]) -> Notice:
    """What to say of a load that BI shows from now on; `totals` are those that publishing returned."""
    return Notice(
        "publish",
        f"License chargeback of {totals['snapshot_date']} is published",
        f"Organization {totals['org_id']}, load {totals['load_id']}: {totals['license_count']} licenses, "
        f"{totals['row_count']} rows, {totals['recharged_cost']} recharged.",
    )


def failed(task: str, license_name: str | None, reason: str, log_url: str | None) -> Notice:
    """What to say of a task that failed for good; the reason says what to do, where we know it."""
    where = f"{task} of license {license_name}" if license_name else task
    log = f" Log: {log_url}" if log_url else ""
    return Notice(
        "failure",
        f"License chargeback: {where} failed",
        f"{reason}{log} When the cause is gone, clear the task in Airflow; the run goes on from there.",
    )


def carried_forward(license_name: str | None, reason: str) -> Notice:
    """What to say of a license whose earlier rows stand in for those that could not be read."""
    return Notice(
        "failure",
        f"License chargeback: license {license_name} could not be read",
        f"{reason} The rows published before are carried forward. Clear its extract_consumption task to read it again.",
    )


def starved(waited_seconds: float, license_name: str | None) -> Notice:
    """What to say when a request waited so long for its turn that others must be using the limit up."""
    return Notice(
        "starvation",
        "License chargeback: the request limit of Flexera One is used up",
        f"A request{f' for license {license_name}' if license_name else ''} has waited {waited_seconds:.0f} seconds "
        "for its turn. The run goes on, more slowly. Look in ops.request_budgets who is refused (throttled_count), "
        "and whether another integration uses the organization's limit; lower requests_per_minute of connection "
        "'flexera' to leave it room, or let it run at another time.",
    )
