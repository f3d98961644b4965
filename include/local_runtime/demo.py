"""`make demo`: one run against the bundled simulator, then what it charged and whether it is all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.extras import RealDictCursor
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chargeback.plain_text import plain
from local_runtime import connections
from local_runtime.problem import Problem
from local_runtime.run import MISUSE, run
from local_runtime.system import METADATA_OF_RUN, say, system

if TYPE_CHECKING:
    from local_runtime.simulator import Simulator
    from local_runtime.system import System

MOST_DAYS = 90
SNAPSHOT = """
    select snapshot_date, org_id, license_count, row_count, page_count, request_count, recharged_cost, currency
    from bi.snapshot
    where dag_run_id = %(run_id)s and status = 'published'
"""
BY_COST_CENTER = """
    select
        path, depth, count(distinct license_id) as licenses,
        sum(own_cost) as own_cost, sum(total_cost) as total_cost
    from bi.chargeback_by_cost_center
    where snapshot_date = %(snapshot_date)s and org_id = %(org_id)s and depth <= 1
    group by path, depth
    order by path
"""
EXAMPLE = (
    "select publisher, currency, sum(recharged_cost) from bi.chargeback_current group by 1, 2 order by 3 desc"
)


@dataclass
class Report:
    """What a published snapshot holds, read from the views that BI sees."""

    snapshot: dict[str, Any]
    currency: str
    cost_centers: list[dict[str, Any]]


def main(days_text: str = "") -> int:
    """Run, report, reconcile; 0 only if the snapshot is published and equals the API's total.

    With several days the tenant is read as it was on each of those before today, oldest first, by runs that ask the API
    for that date; a tenant could not be asked so, and the simulator shows the date that it is set to.
    """
    days = days_from(days_text)
    with system(METADATA_OF_RUN, is_demo=True) as prepared:
        if days > 1:
            _load_past(prepared, days)
        outcome = run(prepared, {})
        report = read_report(prepared, outcome.run_id)
        show(report)
        is_equal = reconcile(report, _simulator(prepared))
    say(f"{outcome.summary}\nTook {outcome.seconds:.0f} s.\n")
    say("Next:")
    say("  make up                                the same every night, with the Airflow UI")
    say(f"  echo '{EXAMPLE}' | make -s psql")
    return 0 if is_equal else 1


def days_from(text: str) -> int:
    """How many days to build, the last of them today."""
    text = text.strip() or "1"
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_DAYS):
        raise Problem(f"DAYS must be a whole number from 1 to {MOST_DAYS}, not {plain(text)!r}", MISUSE)
    return int(text)


def _load_past(prepared: System, days: int) -> None:
    simulator = _simulator(prepared)
    today = datetime.now(UTC).date()
    for number, day in enumerate((today - timedelta(days=back) for back in range(days - 1, 0, -1)), start=1):
        say(f"\nDay {number} of {days}: the tenant as it was on {day}")
        simulator.show(day)
        say(run(prepared, {"snapshot_date": day.isoformat(), "source": "api"}).summary)
    say(f"\nDay {days} of {days}: today")
    simulator.show(None)


def _simulator(prepared: System) -> Simulator:
    if prepared.simulator is None:
        raise Problem("The demo has lost its simulator")
    return prepared.simulator


def read_report(prepared: System, run_id: str) -> Report:
    """The snapshot a run has published."""
    connection = psycopg2.connect(**connections.warehouse_parameters(prepared.environment))
    try:
        with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(SNAPSHOT, {"run_id": run_id})
            snapshot = cursor.fetchone()
            if snapshot is None:
                raise Problem(f"Run {run_id} ended well, but bi.snapshot does not show its snapshot")
            cursor.execute(BY_COST_CENTER, snapshot)
            return Report(dict(snapshot), snapshot["currency"] or "", list(map(dict, cursor.fetchall())))
    finally:
        connection.close()


def show(report: Report) -> None:
    """The chargeback by cost center: the roots of the tree and what is right below them."""
    table = Table(
        title=f"Chargeback of {report.snapshot['snapshot_date']} by cost center", title_justify="left"
    )
    table.add_column("Cost center", overflow="fold")
    table.add_column("Licenses", justify="right")
    table.add_column(f"Own {report.currency}", justify="right")
    table.add_column(f"With all below {report.currency}", justify="right")
    for row in report.cost_centers:
        name = plain(row["path"].rpartition("/")[2])
        costs = [f"{row[column]:,.2f}" for column in ("own_cost", "total_cost")]
        table.add_row(
            Text("  " * row["depth"] + name),
            str(row["licenses"]),
            *costs,
            style="bold" if row["depth"] == 0 else "",
        )
    total = sum((row["total_cost"] for row in report.cost_centers if row["depth"] == 0), Decimal(0))
    table.add_section()
    table.add_row("All", str(report.snapshot["license_count"]), "", f"{total:,.2f}", style="bold")
    Console(soft_wrap=False).print(table)


def reconcile(report: Report, simulator: Simulator) -> bool:
    """Compare with what the API recharges, read past the pipeline from the model behind the simulator."""
    snapshot = report.snapshot
    api_cost = Decimal(simulator.totals(str(snapshot["snapshot_date"]))["recharged_cost"])
    is_equal = bool(api_cost == snapshot["recharged_cost"])
    say(f"Flexera One recharges  {api_cost:>18,.2f} {report.currency}")
    say(f"The warehouse charges  {snapshot['recharged_cost']:>18,.2f} {report.currency}")
    say(f"{'Reconciled to the cent' if is_equal else 'NOT RECONCILED'}: " + counts(snapshot))
    return is_equal


def counts(snapshot: dict[str, Any]) -> str:
    """How much work a snapshot was."""
    return (
        f"{snapshot['license_count']:,} licenses, {snapshot['row_count']:,} rows, "
        f"{snapshot['page_count']:,} pages, {snapshot['request_count']:,} requests."
    )
