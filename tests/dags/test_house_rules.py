"""The set of DAGs, then what every one of them must have."""

from __future__ import annotations

import inspect
import re
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowException
from nightly_tasks import TASKS
from psycopg2.errors import ProgramLimitExceeded
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from chargeback import timetable
from chargeback.doctor import nights
from chargeback.errors import AccessDenied, CheckFailed, ServiceBusy
from chargeback.steps import loads

# What becomes of a task that fails so; the default is to try again.
RETRIED = {
    ServiceBusy("busy"): RetryAction.DEFAULT,
    OperationalError("select 1", {}, Exception("the server went away")): RetryAction.DEFAULT,
    AccessDenied("denied"): RetryAction.FAIL,
    CheckFailed("wrong"): RetryAction.FAIL,
    OperationalError("insert", {}, ProgramLimitExceeded("too long")): RetryAction.FAIL,
    KeyError("rows"): RetryAction.FAIL,
    ValueError("A string literal cannot contain NUL (0x00) characters."): RetryAction.FAIL,
    TimeoutError("no answer"): RetryAction.DEFAULT,
    AirflowException("Airflow's own"): RetryAction.DEFAULT,
    ProgrammingError("select x", {}, Exception("no column x")): RetryAction.FAIL,
    DataError("select 'x'::int", {}, Exception("no number")): RetryAction.FAIL,
    IntegrityError("insert", {}, Exception("twice")): RetryAction.FAIL,
}
DAGS = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture(scope="module")
def dag_bag():
    from airflow.dag_processing.dagbag import DagBag

    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        return DagBag(DAGS)


def test_these_are_the_dags_and_all_parse(dag_bag) -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == {"freshness_watch", "license_chargeback", "warehouse_maintenance"}


def test_every_dag_says_what_it_does_and_what_to_do_when_it_fails(dag_bag) -> None:
    for dag in dag_bag.dags.values():
        assert "When it fails" in (dag.doc_md or ""), dag.dag_id
        assert "chargeback" in dag.tags, dag.dag_id


def test_every_task_retries_what_time_heals_and_stops_at_what_it_does_not(dag_bag) -> None:
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            assert task.retries >= 1, task.task_id
            assert task.retry_policy is not None, task.task_id
            assert task.on_failure_callback, task.task_id
            for error, action in RETRIED.items():
                assert task.retry_policy.evaluate(error, 1, task.retries).action is action, (
                    task.task_id,
                    error,
                )


def test_a_run_ends_before_its_load_may_no_longer_read_from_the_api(dag_bag) -> None:
    for dag in dag_bag.dags.values():
        assert dag.dagrun_timeout is not None, dag.dag_id
        assert dag.dagrun_timeout < timedelta(hours=loads._EXTRACTION_HOURS), dag.dag_id
    assert dag_bag.dags["license_chargeback"].dagrun_timeout == timedelta(hours=nights._STALE_HOURS)


def test_only_one_run_at_a_time_and_no_catching_up(dag_bag) -> None:
    for dag in dag_bag.dags.values():
        assert dag.max_active_runs == 1
        assert dag.catchup is False


def test_every_param_has_a_title_and_a_help_text(dag_bag) -> None:
    params = dag_bag.dags["license_chargeback"].params

    assert set(params) == {
        "snapshot_date",
        "source",
        "publishers",
        "license_types",
        "license_names",
        "license_ids",
        "exclude_license_ids",
        "on_license_failure",
        "allowed_shrink_percent",
        "allowed_gap_percent",
        "allow_partial",
    }
    for name in params:
        schema = params.get_param(name)
        assert schema.schema.get("title"), name
        assert schema.description or schema.schema.get("description"), name


def test_the_nightly_job_reads_as_a_table_of_contents(dag_bag) -> None:
    dag = dag_bag.dags["license_chargeback"]

    assert tuple(task.task_id for task in dag.topological_sort()) == (*TASKS, "report")
    assert dag.get_task("extract_consumption").is_mapped
    assert dag.get_task("extract_consumption").pool == "flexera_api"


def test_nothing_of_ours_runs_in_the_scheduler_but_a_timetable_that_only_computes(
    dag_bag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DAGS.parent / "plugins")
    from chargeback_plugin import ChargebackPlugin

    assert ChargebackPlugin.listeners == []
    assert [kind.__name__ for kind in ChargebackPlugin.timetables] == ["NightlyTimetable"]
    source = inspect.getsource(timetable)
    assert not {"chargeback", "Variable", "Connection", "session"} & set(re.findall(r"\w+", source))
    for dag in dag_bag.dags.values():
        assert not dag.has_on_failure_callback, dag.dag_id
        assert not dag.has_on_success_callback, dag.dag_id
        assert not dag.deadline, dag.dag_id
