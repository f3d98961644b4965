"""
# Freshness watch, hourly

Sees that the nights keep coming: the date of the newest published snapshot of each organization may have begun, at
00:00 UTC, `allowed_age_hours` ago at most, whenever that snapshot was published. Of an organization without a snapshot,
the load of its first night may run as long. It notices what the nightly DAG cannot tell itself: that it is paused, that
no run of it begins, or that every run fails.

**When it fails** BI shows old figures of the organization whose connection the red task bears; its message names the
date of its newest snapshot, and how long ago that day began. Those who are told of staleness are told once a day.
Repair the night as its own DAG says; the watch of the next hour is green again.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag, task

from chargeback import context, hooks, lineage, metrics, notifiers, organizations
from chargeback.steps import freshness
from chargeback.steps.freshness import FreshnessPolicy

PARAMS = {
    "allowed_age_hours": Param(
        FreshnessPolicy().allowed_age_hours,
        type="integer",
        minimum=1,
        title="Hours allowed since the day began",
        description=(
            "How many hours may have passed since 00:00 UTC of the date of the newest snapshot, whenever it was "
            "published. 36 is noon of the day after."
        ),
    ),
}


@task
def list_organizations() -> list[str]:
    return organizations.connections()


@task(map_index_template="{{ task.op_kwargs['flexera_conn_id'] }}")
def check_freshness(flexera_conn_id: str) -> float | None:
    with hooks.database().transaction() as connection:
        newest = freshness.newest(connection, hooks.flexera_settings(flexera_conn_id).org_id)
    metrics.snapshot_age(newest)
    freshness.check(newest, context.policy(FreshnessPolicy), organizations.dag_id(flexera_conn_id))
    return newest.age_hours


@dag(
    schedule=CronTriggerTimetable("30 * * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=50),
    default_args={
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "retry_policy": context.RETRIES,
        "pre_execute": lineage.before_task,
        "on_failure_callback": notifiers.on_failure,
    },
    on_failure_callback=notifiers.on_run_failure,
    params=PARAMS,
    tags=["chargeback", "licenses", "maintenance"],
    doc_md=__doc__,
)
def freshness_watch() -> None:
    check_freshness.expand(flexera_conn_id=list_organizations())


freshness_watch()
