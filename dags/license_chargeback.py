"""
# License chargeback, nightly

Reads from Flexera One who consumes which license, and rebuilds the tenant's snapshot of that date in the warehouse.
Business users see it in the `bi` schema once every check has passed; until then they see the last good one.

**When it fails** nothing is half published. The task `report` is red: the list of tasks shows the failed licenses next
to it, and its log gives the reason of each and what to do. Then clear the failed tasks (*with downstream*), and the
run goes on from there; a mapped task can be cleared alone to read one license again. To rebuild a date, trigger the
DAG with that `snapshot_date`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import (
    Asset,
    Param,
    TriggerRule,
    dag,
    task,
)

from chargeback import context, hooks, lineage, metrics, notifiers, organizations, outcome
from chargeback.steps import build as building
from chargeback.steps import checks, extract, loads
from chargeback.steps import derive as deriving
from chargeback.steps import flatten as flattening
from chargeback.steps import publish as publishing
from chargeback.timetable import NightlyTimetable

CHARGEBACK = Asset(name="bi.chargeback", uri="x-warehouse://bi/chargeback")


def _globs(title: str, example: str) -> Param:
    return Param(
        [],
        type=["array", "null"],
        items={"type": "string"},
        title=title,
        description=f"One per line, upper or lower case, * and ? allowed: {example}. Empty takes all.",
    )


def _ids(title: str, description: str) -> Param:
    return Param([], type=["array", "null"], items={"type": "string"}, title=title, description=description)


PARAMS = {
    "snapshot_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Snapshot date",
        description="The night to build. Empty: the run's logical date, or the day a manual run was asked for.",
    ),
    "source": Param(
        "auto",
        enum=["auto", "api", "raw"],
        title="Source",
        description=(
            "auto: the API for today, the raw pages kept for a past date. api: ask the API now, whatever the date. "
            "raw: rebuild from the raw pages kept for that date, without a request."
        ),
    ),
    "publishers": _globs("Publishers", "Oracle, IBM*"),
    "license_types": _globs("License types", "Oracle Processor, Microsoft *"),
    "license_names": _globs("License names", "*Database Enterprise*"),
    "license_ids": _ids("License ids", "Only these licenses, one exact id per line. Empty takes all."),
    "exclude_license_ids": _ids("Excluded license ids", "Never these licenses, one exact id per line."),
    "allow_partial": Param(
        False,
        type=["boolean", "null"],
        title="Allow a partial snapshot",
        description=(
            "For trials: publish a filtered run even where its date has no snapshot yet. BI then shows only these "
            "licenses for that date."
        ),
    ),
    "on_license_failure": Param(
        "fail",
        enum=["fail", "keep_previous"],
        title="If a license fails",
        description=(
            "fail: nothing is published and the last good snapshot stays. keep_previous: that license's rows are "
            "carried forward from its last published snapshot and flagged."
        ),
    ),
    "allowed_shrink_percent": Param(
        20,
        type=["number", "null"],
        minimum=0,
        maximum=100,
        title="Allowed shrink",
        description=(
            "By how many percent the tenant may have fewer licenses or rows than in its last snapshot. A tenant that "
            "shrank more is not published: a service account that lost rights looks just like that."
        ),
    ),
    "allowed_gap_percent": Param(
        10,
        type=["number", "null"],
        minimum=0,
        maximum=100,
        title="Allowed gap",
        description=(
            "By how many percent of the cost the rows may differ from what their licenses consume without a known "
            "reason, and how many percent of rows or consumption may be unreadable. A load with a wider gap is not "
            "published; the licenses of a smaller one are named in a warning."
        ),
    ),
}


@task
def open_load(flexera_conn_id: str) -> int:
    return loads.open_load(hooks.database(), context.load_request(flexera_conn_id))


@task(show_return_value_in_logs=False)  # a line for each license of the tenant
def list_licenses(load_id: int, flexera_conn_id: str) -> list[dict[str, Any]]:
    database = hooks.database()
    client = hooks.flexera(database, flexera_conn_id, notifiers.on_starvation)
    return extract.list_licenses(client, database, hooks.field_map(), load_id, context.most_mapped_tasks())


@task(pool="flexera_api", map_index_template="{{ task.op_kwargs['batch']['label'] }}")
def extract_consumption(load_id: int, flexera_conn_id: str, batch: dict[str, Any]) -> Any:
    database = hooks.database()
    client = hooks.flexera(database, flexera_conn_id, notifiers.on_starvation)
    with context.previous_kept_on_failure(database, load_id, notifiers.on_carrying_forward):
        counts = extract.consumption(client, database, hooks.field_map(), load_id, batch["license_ids"])
    metrics.waited(client.waited_seconds)
    return counts


@task(trigger_rule=TriggerRule.NONE_FAILED)
def check_staging(load_id: int) -> Any:
    database = hooks.database()
    return checks.check_staging(database, loads.for_writing(database, load_id))


@task
def flatten(load_id: int) -> Any:
    database = hooks.database()
    return flattening.flatten(database, hooks.field_map(), loads.for_writing(database, load_id))


@task
def build(load_id: int, layer: str) -> Any:
    database = hooks.database()
    return building.build(database, loads.for_writing(database, load_id), layer)


@task
def derive(load_id: int) -> Any:
    database = hooks.database()
    return deriving.derive(database, hooks.methods(), loads.for_writing(database, load_id))


@task
def check_star(load_id: int) -> Any:
    database = hooks.database()
    return checks.check(database, loads.for_writing(database, load_id), "mart")


@task(outlets=[CHARGEBACK], on_success_callback=notifiers.on_publish, show_return_value_in_logs=False)
def publish(load_id: int, *, outlet_events: Any = None) -> Any:
    totals = publishing.publish(hooks.database(), load_id)
    outlet_events[CHARGEBACK].extra = totals
    return totals


@task(trigger_rule=TriggerRule.ALL_DONE, map_index_template="{{ outcome | default('') }}")
def report() -> None:
    outcome.report()


def nightly(flexera_conn_id: str) -> None:
    """The DAG of the organization that this connection leads to."""

    @dag(
        dag_id=organizations.dag_id(flexera_conn_id),
        schedule=NightlyTimetable("0 4 * * *", timezone="UTC"),
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=20),
        default_args={
            "retries": 3,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(minutes=15),
            "retry_policy": context.RETRIES,
            "pre_execute": lineage.before_task,
            "post_execute": metrics.after_task,
            "on_failure_callback": outcome.on_failure,
        },
        params=PARAMS,
        tags=["chargeback", "licenses", "finance"],
        doc_md=__doc__,
    )
    def license_chargeback() -> None:
        load_id = open_load(flexera_conn_id)
        batches = list_licenses(load_id, flexera_conn_id)
        pages = extract_consumption.partial(load_id=load_id, flexera_conn_id=flexera_conn_id).expand(
            batch=batches
        )
        published = publish(load_id)
        (
            pages
            >> check_staging(load_id)
            >> flatten(load_id)
            >> build.override(task_id="build_levels")(load_id, "intermediate")
            >> derive(load_id)
            >> build.override(task_id="build_star")(load_id, "mart")
            >> check_star(load_id)
            >> published
        )
        [pages, published] >> report()

    license_chargeback()


for conn_id in organizations.connections():
    nightly(conn_id)
