"""People are told when a license fails, when a night is published, and when the request limit runs dry."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.api_fastapi.execution_api.datamodels.taskinstance import TaskInstance
from airflow.callbacks.callback_requests import TaskCallbackRequest
from airflow.dag_processing import processor
from airflow.dag_processing.dagbag import DagBag
from nightly_job import DAGS

from chargeback import hooks, notifiers, outcome
from chargeback.errors import PayloadChanged
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse import budget

LICENSES = ["41201", "41202", "41203"]
BROKEN = {"class": "file_notifier.FileNotifier", "kwargs": {"path": "/no/such/folder/file", "line": "lost"}}


@pytest.fixture(autouse=True)
def _well(nightly: Any) -> Any:
    yield
    nightly.simulator.clear_faults()


def test_a_published_night_is_told_with_its_totals(nightly, told) -> None:
    told(events=["publish", "failure"])

    assert nightly.run(license_ids=LICENSES).state == "success"

    [message] = told()
    cost = nightly.value("select to_char(sum(recharged_cost), 'FM999,999,990.00') from bi.chargeback")
    assert message.startswith(f"publish: License chargeback of {nightly.today} is published.")
    assert "3 licenses (3 read, by the filter license_ids=" in message
    assert f" rows, {cost} EUR. " in message


def test_a_license_that_fails_is_told_with_its_name_the_reason_and_what_to_do(nightly, told) -> None:
    told(events=["failure"])
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    assert nightly.run(license_ids=LICENSES).state == "failed"

    [message] = told()
    assert "extract_consumption of license Oracle Real Application Clusters failed" in message
    assert "license 41202 page 1: 403" in message
    assert "give its account a role" in message
    assert "clear the task" in message


def test_a_license_that_is_carried_forward_is_told_too(nightly, told) -> None:
    assert nightly.run(license_ids=LICENSES).state == "success"
    told(events=["failure"])
    for license_id in ("41202", "41203"):
        nightly.simulator.add_fault(license=license_id, status=403, times=None)

    assert nightly.run(license_ids=LICENSES, on_license_failure="keep_previous").state == "success"

    messages = told()
    assert len(messages) == 2
    assert any("license Oracle Real Application Clusters could not be read" in each for each in messages)
    assert all("carried forward" in each for each in messages)


def test_a_task_is_told_once_a_try_however_often_it_is_called(nightly, told) -> None:
    told(events=["failure"])
    request = LoadRequest(org_id="12345", snapshot_date=nightly.today, today=nightly.today)
    load_id = loads.open_load(hooks.database(), request)

    for try_number in (4, 4, 8):
        task = SimpleNamespace(
            task_id="flatten",
            dag_id="license_chargeback",
            try_number=try_number,
            xcom_pull=lambda task_ids: {"open_load": load_id}[task_ids],
        )
        notifiers.on_failure({"ti": task, "exception": PayloadChanged("The page is not JSON.")})

    assert len(told()) == 2


def test_what_is_published_anew_is_told_anew(nightly, told) -> None:
    told(events=["publish"])

    for _ in range(2):
        assert nightly.run(license_ids=LICENSES).state == "success"

    assert len(set(told())) == 2


def test_the_dag_processor_does_nothing_of_ours(nightly, told, monkeypatch) -> None:
    run = nightly.run(license_ids=["41202"])
    told(events=["failure"])
    for name in ("AIRFLOW_CONN_WAREHOUSE", "AIRFLOW_CONN_FLEXERA"):
        monkeypatch.setenv(name, "postgres://nobody@nowhere.invalid/nothing")
    bag = DagBag(DAGS)
    callbacks = structlog.testing.CapturingLogger()

    for dag in bag.dags.values():
        assert not dag.has_on_failure_callback
        assert not dag.has_on_success_callback
    for task in run.tasks:
        request = TaskCallbackRequest(
            filepath="license_chargeback.py",
            bundle_name="dags-folder",
            bundle_version=None,
            ti=TaskInstance.model_validate(task, from_attributes=True),
            task_callback_type="failed",
            msg="heartbeat",
        )
        processor._execute_task_callbacks(bag, request, callbacks)

    assert [call for call in callbacks.calls if call.method_name != "info"] == []
    assert told() == []


def test_a_task_whose_process_was_killed_is_told_by_the_report_of_its_run(nightly, told, monkeypatch) -> None:
    told(events=["failure"])
    monkeypatch.setattr(outcome, "on_failure", lambda _: None)  # what a killed process does

    nightly.simulator.add_fault(license="41202", status=403, times=None)
    assert nightly.run(license_ids=LICENSES).state == "failed"

    [message] = told()
    assert "extract_consumption of license Oracle Real Application Clusters failed" in message
    assert "Its process ended and left no message" in message
    assert nightly.value("select status from ops.loads order by load_id desc limit 1") == "failed"
    assert "1 of 3 licenses failed: Oracle Real Application Clusters" in nightly.last_failure()


def test_a_failed_run_names_its_licenses_beside_its_last_task_and_each_log_ends_with_the_reason(
    nightly, caplog
) -> None:
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    run = nightly.run(license_ids=LICENSES)

    [report] = [task for task in run.tasks if task.task_id == "report"]
    assert report.state == "failed"
    assert report.rendered_map_index == "1 of 3 licenses failed: Oracle Real Application Clusters"
    last = [record.getMessage() for record in caplog.records if record.name == "chargeback.outcome"]
    assert last[0].startswith("license 41202 page 1: 403")
    assert last[-1].startswith(
        "1 of 3 licenses failed: Oracle Real Application Clusters. license 41202 page 1: 403"
    )


def test_a_run_that_airflow_stopped_is_told_and_closed_by_the_watch(nightly, told) -> None:
    assert nightly.run(license_ids=LICENSES).state == "success"
    run = nightly.run(publishers=["Nobody*"])
    assert run.state == "failed"
    nightly.execute(
        "update ops.loads set status = 'running', failure = null, finished_at = null "
        f"where dag_run_id = '{run.run_id}'"
    )
    told(events=["failure"])

    for _ in range(2):
        assert nightly.run_dag("freshness_watch").state == "success"

    [message] = told()
    assert f"Run {run.run_id} of license_chargeback was stopped" in message
    assert "dagrun_timeout" in message
    assert nightly.last_failure() == "Airflow ended the run before its last task"


def test_a_run_that_starves_beside_another_integration_is_told_once(nightly, told, monkeypatch) -> None:
    told(events=["starvation"])
    monkeypatch.setattr(budget, "_STARVED_SHARE", 0.01)  # windows last two seconds here, not sixty
    connection = nightly.simulator.connection()
    connection["extra"]["requests_per_minute"] = 6000
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(connection))
    nightly.simulator.set(requests_per_minute=3, window_seconds=2.0, other_requests=2)

    try:
        assert nightly.run(license_ids=LICENSES).state == "success"
    finally:
        nightly.simulator.set(requests_per_minute=0, window_seconds=60.0, other_requests=0)

    assert nightly.simulator.counters()["other_requests"] > 2
    [message] = told()
    assert "request limit of Flexera One is used up" in message
    assert "which other integration asks that much" in message


def test_a_run_that_has_the_limit_for_itself_is_not_told_of(nightly, told, monkeypatch) -> None:
    told(events=["starvation"])
    monkeypatch.setattr(budget, "_STARVED_SHARE", 0.001)
    connection = nightly.simulator.connection()
    connection["extra"]["requests_per_minute"] = 120
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(connection))

    assert nightly.run(license_ids=LICENSES).state == "success"

    assert told() == []


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        pytest.param({"class": "no_such.Notifier"}, "no_such.Notifier cannot be made", id="class"),
        pytest.param({"kwargs": {"colour": "red"}}, "unexpected keyword argument", id="kwargs"),
        pytest.param({"when": "now"}, "must be an object with class", id="field"),
        pytest.param({"events": ["sunrise"]}, "failure, publish, staleness, starvation", id="event"),
    ],
)
def test_a_wrong_setting_is_told_in_the_log_and_so_is_the_message(
    nightly, told, caplog, setting, complaint
) -> None:
    told(**setting)

    assert nightly.run(license_ids=["41202"]).state == "success"

    assert "Variable chargeback_notifiers: entry 1" in caplog.text
    assert complaint in caplog.text
    assert told() == []


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        pytest.param("{not json", "JSONDecodeError", id="no json"),
        pytest.param('{"class": "x"}', "it is dict, not a list of notifiers", id="no list"),
    ],
)
def test_a_setting_that_cannot_be_read_hides_no_failure(
    nightly, monkeypatch, caplog, setting, complaint
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_NOTIFIERS", setting)
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    assert nightly.run(license_ids=["41202"]).state == "failed"

    assert complaint in caplog.text
    assert "extract_consumption of license Oracle Real Application Clusters failed" in caplog.text
    assert "403" in nightly.last_failure()


@pytest.mark.parametrize(
    ("first", "complaint"),
    [
        pytest.param(BROKEN, "FileNotifier failed (FileNotFoundError", id="one that fails"),
        pytest.param(
            {"class": "no_such.Notifier"}, "no_such.Notifier cannot be made", id="one that is wrong"
        ),
        pytest.param({"class": "builtins.dict"}, "builtins.dict is no notifier", id="one that is none"),
    ],
)
def test_one_notifier_that_does_not_work_takes_nothing_from_the_others(
    nightly, told, caplog, first, complaint
) -> None:
    told(first, events=["publish"])

    assert nightly.run(license_ids=["41202"]).state == "success"

    assert len(told()) == 1
    assert complaint in caplog.text


def test_who_set_nothing_finds_the_message_in_the_log(nightly, caplog) -> None:
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    nightly.run(license_ids=["41202"])

    assert "extract_consumption of license Oracle Real Application Clusters failed" in caplog.text
