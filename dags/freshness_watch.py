"""
# Freshness watch, hourly

Checks that new snapshots keep coming. The date of the newest published snapshot of each organization may have begun, at
00:00 UTC, `allowed_age_hours` ago at most. Before the first snapshot it waits for the first run of the nightly DAG that
is due, and for as long for its load. It finds what the nightly DAG cannot report itself: that it is paused, that no run
of it begins, that every run fails, or that Airflow stopped a run before its last task.

**When it fails** BI shows old figures of the organization whose connection names the red task. The message gives the
date of its newest snapshot, and how long ago that day began; notices are sent once a day. Repair the nightly DAG as its
own page says; the next watch is green again.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import CronTriggerTimetable, Param, dag, task

from chargeback import context, hooks, lineage, metrics, organizations, outcome
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
    outcome.settle_ended_runs(flexera_conn_id)
    with hooks.database().transaction() as connection:
        newest = freshness.newest(connection, hooks.flexera_settings(flexera_conn_id).org_id)
    metrics.snapshot_age(newest)
    dag_id = organizations.dag_id(flexera_conn_id)
    freshness.check(newest, context.policy(FreshnessPolicy), dag_id, context.first_run_due(dag_id))
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
        "on_failure_callback": outcome.on_failure,
    },
    params=PARAMS,
    tags=["chargeback", "licenses", "maintenance"],
    doc_md=__doc__,
)
def freshness_watch() -> None:
    check_freshness.expand(flexera_conn_id=list_organizations())


freshness_watch()
