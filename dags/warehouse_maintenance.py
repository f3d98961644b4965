"""
# Warehouse maintenance, daily

Drops what nobody needs any more: raw pages of old dates, and what is left of loads that were replaced, gave up or
failed. What BI sees is never touched, and neither is a load that is running.

**When it fails** nothing is half dropped: each load is one transaction. Clear the task, or wait for tomorrow. A load
whose tables are in use is skipped with a warning and dropped by the next run. Trigger it with `dry_run` to see in the
log what it would drop.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag, task

from chargeback import context, hooks, lineage, metrics, outcome
from chargeback.steps import retention
from chargeback.steps.retention import RetentionPolicy

PARAMS = {
    "raw_days": Param(
        90,
        type="integer",
        minimum=1,
        title="Days of raw pages",
        description="A date older than this cannot be rebuilt from its raw pages any more.",
    ),
    "superseded_days": Param(
        7,
        type="integer",
        minimum=1,
        title="Days of old loads",
        description="How long loads that were replaced, abandoned or failed are kept, and intermediate rows of all.",
    ),
    "keep_month_ends": Param(
        True,
        type="boolean",
        title="Keep month ends",
        description="The raw pages of the last snapshot of each month are kept for ever.",
    ),
    "dry_run": Param(
        False, type="boolean", title="Dry run", description="Only tell in the log what would be dropped."
    ),
}


@task
def drop_expired() -> Any:
    return retention.apply(hooks.database(), context.policy(RetentionPolicy), datetime.now(UTC))


@dag(
    schedule=CronTriggerTimetable("0 12 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    default_args={
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "retry_policy": context.RETRIES,
        "pre_execute": lineage.before_task,
        "post_execute": metrics.after_task,
        "on_failure_callback": outcome.on_failure,
    },
    params=PARAMS,
    tags=["chargeback", "licenses", "maintenance"],
    doc_md=__doc__,
)
def warehouse_maintenance() -> None:
    drop_expired()


warehouse_maintenance()
