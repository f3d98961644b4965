"""What one organization's run does leaves the other's alone, even where both bear the same names."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from chargeback import hooks, outcome
from chargeback.errors import SettingsInvalid
from chargeback.steps import extract, loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from flexera_simulator.testing import RunningSimulator

TODAY = date(2026, 11, 24)
RUN_ID = "scheduled__2026-11-24T04:00:00+00:00"


@pytest.fixture
def database(warehouse_url: str) -> Database:
    return Database.connect(make_url(warehouse_url))


def open_load(database: Database, org_id: str) -> int:
    return loads.open_load(
        database, LoadRequest(org_id=org_id, snapshot_date=TODAY, today=TODAY, dag_run_id=RUN_ID)
    )


def status(database: Database, load_id: int) -> str:
    with database.transaction() as connection:
        return loads.get(connection, load_id).status


def test_a_load_of_the_same_date_does_not_take_the_place_of_another_organizations(database: Database) -> None:
    first, second = open_load(database, "12345"), open_load(database, "67890")

    assert (status(database, first), status(database, second)) == ("running", "running")


def test_a_failed_run_closes_the_load_of_its_organization_only(
    database: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_load(database, "12345"), open_load(database, "67890")
    monkeypatch.setattr(hooks, "database", lambda: database)
    emea = simulator.connection("67890")
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA_EMEA", json.dumps(emea))

    outcome.close_run("license_chargeback_emea", RUN_ID, "timed out")

    assert (status(database, first), status(database, second)) == ("running", "failed")


def test_a_connection_that_was_turned_to_another_organization_reads_nothing_into_the_load(
    database: Database, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_id = open_load(database, "67890")
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(simulator.connection("12345")))
    client = hooks.flexera(database)
    before = simulator.api_request_count()

    with pytest.raises(
        SettingsInvalid, match=r"is of organization 67890, but .* leads to organization 12345"
    ):
        extract.list_licenses(client, database, hooks.field_map(), load_id, 10)
    with pytest.raises(SettingsInvalid, match="is of organization 67890"):
        extract.consumption(client, database, hooks.field_map(), load_id, ["41201"])

    assert simulator.api_request_count() == before
