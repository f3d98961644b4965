"""What OpenLineage is told of a real run of the DAG, through the provider's file transport."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import watched_run
from nightly_tasks import TASKS
from sqlalchemy.engine import make_url

from chargeback.steps import tables
from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from nightly_job import Nightly

LICENSES = ["41201", "41202"]
DAG_ID = "license_chargeback"


def settings(transport: dict[str, Any]) -> dict[str, str]:
    return {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "chargeback",
        "AIRFLOW__OPENLINEAGE__DISABLE_SOURCE_CODE": "True",
        "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": "10",
    }


@pytest.fixture(scope="module")
def told(nightly: Nightly, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every event of one run."""
    folder = tmp_path_factory.mktemp("lineage")
    transport = {"type": "file", "log_file_path": str(folder / "events.jsonl"), "append": True}
    state, _ = watched_run.run(folder / "log", settings(transport), license_ids=LICENSES)
    assert state == "success", (folder / "log").read_text()[-3000:]
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def ends_of(told: list[dict[str, Any]], task_id: str, dag_id: str = DAG_ID) -> list[dict[str, Any]]:
    name = f"{dag_id}.{task_id}"
    return [event for event in told if event["job"]["name"] == name and event["eventType"] == "COMPLETE"]


def named(datasets: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(dataset["namespace"], dataset["name"]) for dataset in datasets}


def test_every_task_starts_and_ends_under_its_name(nightly: Nightly, told: list[dict[str, Any]]) -> None:
    states: dict[str, set[str]] = {}
    for event in told:
        assert event["job"]["namespace"] == "chargeback"
        states.setdefault(event["job"]["name"], set()).add(event["eventType"])

    database = Database.connect(nightly.warehouse_url)
    for task_id in TASKS:
        assert states[f"{DAG_ID}.{task_id}"] == {"START", "COMPLETE"}
        assert tables.of_task(database, task_id) is not None
    assert len(ends_of(told, "extract_consumption")) == len(LICENSES)


@pytest.mark.parametrize("task_id", TASKS)
def test_a_task_tells_the_tables_it_reads_and_writes(
    nightly: Nightly, told: list[dict[str, Any]], task_id: str
) -> None:
    url = make_url(nightly.warehouse_url)
    namespace = f"postgres://{url.host}:{url.port}"
    expected = tables.of_task(Database.connect(url), task_id)
    assert expected is not None

    for event in ends_of(told, task_id):
        inlets, outlets = ({(namespace, f"{url.database}.{table}") for table in names} for names in expected)
        assert named(event["inputs"]) == inlets
        assert named(event["outputs"]) == outlets


def test_the_way_of_a_charge_can_be_followed_from_the_pages_to_bi(
    nightly: Nightly, told: list[dict[str, Any]]
) -> None:
    database = make_url(nightly.warehouse_url).database
    known = {f"{database}.staging.consumption_pages"}
    for task_id in TASKS:
        event = ends_of(told, task_id)[0]
        if known & {name for _, name in named(event["inputs"])}:
            known |= {name for _, name in named(event["outputs"])}

    assert {f"{database}.bi.chargeback", f"{database}.bi.license_position"} <= known


def test_every_table_that_a_night_fills_is_an_outlet_of_some_task(nightly: Nightly, told: Any) -> None:
    database = Database.connect(nightly.warehouse_url)
    outlets = {name for task_id in TASKS for name in tables.of_task(database, task_id).outlets}  # type: ignore[union-attr]
    everything = nightly.rows(
        """
        select schemas.nspname || '.' || classes.relname as name
        from pg_class as classes
        inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
        where
            schemas.nspname in ('staging', 'intermediate', 'mart', 'ops')
            and classes.relkind in ('r', 'p')
            and not classes.relispartition
        """
    )
    holds_the_load = {
        row["name"]
        for row in everything
        if "load_id" in {column["column_name"] for column in nightly.rows(columns_of(row["name"]))}
        and nightly.value(f"select exists (select from {row['name']} where load_id is not null)")
    }

    assert holds_the_load - {"ops.notices"} <= outlets


def columns_of(table: str) -> str:
    schema, name = table.split(".")
    return (
        "select column_name from information_schema.columns "
        f"where table_schema = '{schema}' and table_name = '{name}'"
    )


@pytest.fixture(scope="module")
def told_of_maintenance(
    nightly: Nightly, told: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, Any]], set[str]]:
    """Every event of a run of the maintenance and of the watch, and the tables that lost partitions or rows by it."""
    assert nightly.run(license_ids=LICENSES).state == "success"
    nightly.execute(
        "update ops.loads set finished_at = finished_at - interval '8 days', "
        "published_at = published_at - interval '8 days'"
    )
    folder = tmp_path_factory.mktemp("maintenance")
    transport = {"type": "file", "log_file_path": str(folder / "events.jsonl"), "append": True}
    before = holdings(nightly)
    for dag_id in ("warehouse_maintenance", "freshness_watch"):
        state, _ = watched_run.run(folder / "log", settings(transport), dag_id=dag_id)
        assert state == "success", (folder / "log").read_text()[-3000:]
    after = holdings(nightly)
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return events, {table for table, count in before.items() if after[table] < count}


def holdings(nightly: Nightly) -> dict[str, int]:
    """How many rows each table has that a load writes, partitions and all."""
    tables_of_loads = nightly.rows(
        """
        select distinct columns.table_schema || '.' || columns.table_name as name
        from information_schema.columns as columns
        inner join pg_class on pg_class.oid = format('%I.%I', table_schema, table_name)::regclass
        where
            columns.column_name = 'load_id' and columns.table_schema in ('staging', 'intermediate', 'mart', 'ops')
            and pg_class.relkind in ('r', 'p') and not pg_class.relispartition
        """
    )
    return {row["name"]: nightly.value(f"select count(*) from {row['name']}") for row in tables_of_loads}


def test_the_maintenance_tells_every_table_that_it_drops_rows_of(
    nightly: Nightly, told_of_maintenance: tuple[list[dict[str, Any]], set[str]]
) -> None:
    events, shrunk = told_of_maintenance
    database = make_url(nightly.warehouse_url).database
    [end] = ends_of(events, "drop_expired", "warehouse_maintenance")
    outlets = {name for _, name in named(end["outputs"])}

    assert {"intermediate.int_consumption_lines", "mart.fct_chargeback"} <= shrunk
    assert {f"{database}.{table}" for table in shrunk} <= outlets
    assert f"{database}.ops.loads" in outlets
    assert f"{database}.ops.snapshots" in {name for _, name in named(end["inputs"])}
    assert not any(name.startswith(f"{database}.bi.") or ".dim_" in name for name in outlets)


def test_the_watch_tells_what_it_looks_at(
    nightly: Nightly, told_of_maintenance: tuple[list[dict[str, Any]], set[str]]
) -> None:
    url = make_url(nightly.warehouse_url)
    [end] = ends_of(told_of_maintenance[0], "check_freshness", "freshness_watch")

    server = f"postgres://{url.host}:{url.port}"
    assert named(end["inputs"]) == {
        (server, f"{url.database}.ops.{table}") for table in ("loads", "snapshots")
    }
    assert named(end["outputs"]) == set()


def test_no_event_holds_a_secret(nightly: Nightly, told: list[dict[str, Any]]) -> None:
    text = json.dumps(told)

    assert nightly.simulator.settings.client_secret not in text
    assert str(make_url(nightly.warehouse_url).password) not in text


def test_a_lineage_backend_that_is_away_fails_no_task(nightly: Nightly, tmp_path: Path) -> None:
    transport = {
        "type": "http",
        "url": "http://127.0.0.1:1",
        "endpoint": "api/v1/lineage",
        "retry": {"total": 0},
    }
    state, states = watched_run.run(tmp_path / "log", settings(transport), license_ids=LICENSES[:1])

    assert state == "success"
    assert {one for each in states.values() for one in each} == {"running", "success"}
