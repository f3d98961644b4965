"""What there is to say about a load, and whether it was said already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chargeback.plain_text import LONGEST_MESSAGE, LONGEST_NAME, plain
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS = ("failure", "publish", "staleness", "starvation")
# When hundreds of licenses fail for one reason, the first few messages say it.
_MOST_FAILURES = 10
_NO_MORE = "Further failures of this run are told in Airflow only."


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people: what happened, to which license or task, why, and what to do."""

    event: str
    title: str
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", plain(self.title, 2 * LONGEST_NAME))
        object.__setattr__(self, "text", plain(self.text, LONGEST_MESSAGE))

    def __str__(self) -> str:
        return f"{self.title}. {self.text}"


def to_send(database: Database, load_id: int, notice: Notice, subject: str) -> Notice | None:
    """The notice, noted as sent; None if it was sent before or there are enough of its kind."""
    most = _MOST_FAILURES if notice.event == "failure" else 1
    with database.transaction() as connection:
        number = execute(
            connection,
            """
            with

            sent as (
                select count(*) as notice_count from ops.notices
                where load_id = %(load_id)s and event = %(event)s
            )

            insert into ops.notices (load_id, event, subject)
            select %(load_id)s, %(event)s, %(subject)s
            from sent
            where notice_count < %(most)s
            on conflict do nothing
            returning (select notice_count + 1 from sent)
            """,
            load_id=load_id,
            event=notice.event,
            subject=subject,
            most=most,
        ).scalar_one_or_none()
    if number == most and notice.event == "failure":
        return replace(notice, text=f"{notice.text} {_NO_MORE}")
    return notice if number else None


def published(totals: Mapping[str, object]) -> Notice:
    """What to say of a load that BI shows from now on; `totals` are those that publishing returned."""
    return Notice(
        "publish",
        f"License chargeback of {totals['snapshot_date']} is published",
        f"{totals['summary']}",
    )


def failed(task: str, subject: str | None, reason: str, log_url: str | None) -> Notice:
    """What to say of a task that failed for good; the reason says what to do, where we know it."""
    where = f"{task} of {subject}" if subject else task
    log = f" Log: {log_url}" if log_url else ""
    return Notice(
        "failure",
        f"License chargeback: {where} failed",
        f"{reason}{log} When the cause is gone, clear the task in Airflow; the run goes on from there. If what the run "
        "was asked for is wrong, trigger a new one.",
    )


def carried_forward(license_name: str | None, reason: str) -> Notice:
    """What to say of a license whose earlier rows stand in for those that could not be read."""
    return Notice(
        "failure",
        f"License chargeback: license {license_name} could not be read",
        f"{reason} The rows published before are carried forward. Clear its extract_consumption task to read it again.",
    )


def stopped(dag_id: str, run_id: str) -> Notice:
    """What to say of a run that Airflow ended before its last task."""
    return Notice(
        "failure",
        f"Run {run_id} of {dag_id} was stopped",
        "Airflow ended it before its last task: it took longer than dagrun_timeout in the DAG's file allows, or a "
        "person marked it failed. Nothing was published. See in Airflow what it waited for, then clear its unfinished "
        "tasks or trigger a new run; what was read stays.",
    )


def stale(flexera_conn_id: str, reason: str) -> Notice:
    """What to say when the nights of an organization have stopped coming; the reason says since when."""
    return Notice(
        "staleness",
        f"License chargeback: no new snapshot by connection {flexera_conn_id}",
        f"{reason} This is told once a day until a newer snapshot is published.",
    )


def starved(held_back_seconds: float, license_name: str | None, conn_id: str) -> Notice:
    """What to say when the server held a request back for long, although we keep to our own pace."""
    return Notice(
        "starvation",
        "License chargeback: the request limit of Flexera One is used up",
        f"A request{f' for license {license_name}' if license_name else ''} has been held back for "
        f"{held_back_seconds:.0f} seconds, as others use the organization's limit. The run goes on, more slowly. Look "
        "which other integration asks that much, and let it run at another time or ask less; lower "
        f"requests_per_minute of connection '{conn_id}' if it is higher than what the organization may ask.",
    )
