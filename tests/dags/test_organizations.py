"""A nightly DAG for each organization that the variable `chargeback_organizations` lists."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from chargeback import notifiers, organizations
from chargeback.errors import SettingsInvalid
from chargeback.steps.notices import Notice

DAGS = Path(__file__).resolve().parents[2] / "dags"
SETTING = "AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS"


def test_without_the_variable_there_is_the_first_organization(airflow_metadata: str) -> None:
    assert organizations.connections() == ["flexera"]


def test_each_organization_has_a_dag_that_differs_in_its_connection_only(
    monkeypatch: pytest.MonkeyPatch, airflow_metadata: str
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv(SETTING, '["flexera_emea", "flexera_apac"]')
    bag = DagBag(DAGS)
    assert bag.import_errors == {}
    first = bag.dags["license_chargeback"]

    assert set(bag.dags) == {
        "license_chargeback",
        "license_chargeback_emea",
        "license_chargeback_apac",
        "freshness_watch",
        "warehouse_maintenance",
    }
    for suffix in ("", "_emea", "_apac"):
        dag = bag.dags[f"license_chargeback{suffix}"]
        assert [task.task_id for task in dag.tasks] == [task.task_id for task in first.tasks]
        assert dag.params.dump() == first.params.dump()
        assert dag.timetable == first.timetable
        assert dag.get_task("open_load").op_args == (f"flexera{suffix}",)
        assert dag.get_task("list_licenses").op_args[1] == f"flexera{suffix}"
        mapped = dag.get_task("extract_consumption")
        assert mapped.partial_kwargs["op_kwargs"]["flexera_conn_id"] == f"flexera{suffix}"


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("flexera_emea", "it is no JSON list of connections"),
        ('{"flexera_emea": 1}', "it is no JSON list of connections"),
        ('["emea"]', "'emea' is no connection id that begins with flexera_"),
        ('["flexera_emea", 7, "flexera_"]', "7 is no connection id"),
        ('["flexera_e mea"]', "'flexera_e mea' is no connection id"),
    ],
)
def test_a_wrong_variable_is_told_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, setting: str, complaint: str
) -> None:
    monkeypatch.setenv(SETTING, setting)

    with pytest.raises(SettingsInvalid) as error:
        organizations.connections()

    assert complaint in str(error.value)


def test_no_organization_is_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, json.dumps(["flexera_emea", "flexera", "flexera_emea"]))

    assert organizations.connections() == ["flexera", "flexera_emea"]


@pytest.mark.parametrize("conn_id", ["flexera", "flexera_emea"])
def test_a_dag_leads_back_to_its_connection(conn_id: str) -> None:
    assert organizations.connection(organizations.dag_id(conn_id)) == conn_id


@pytest.mark.parametrize("dag_id", ["warehouse_maintenance", "license_chargebacks", "my_license_chargeback"])
def test_another_dag_leads_to_none(dag_id: str) -> None:
    assert organizations.connection(dag_id) is None


@pytest.mark.parametrize(
    ("dag_id", "title"),
    [("license_chargeback", "It failed"), ("license_chargeback_emea", "It failed (license_chargeback_emea)")],
)
def test_a_message_says_which_organization_it_is_of(
    dag_id: str, title: str, caplog: pytest.LogCaptureFixture
) -> None:
    context = {"dag": SimpleNamespace(dag_id=dag_id)}

    notifiers._send(context, Notice("failure", "It failed", "Why"))

    assert f"{title}. Why" in caplog.text
