"""The date that a run builds, and what makes it refuse to build."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from chargeback import context
from chargeback.errors import SettingsInvalid, SnapshotPartial
from chargeback.selection import LicenseFilter
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from flexera_simulator.testing import RunningSimulator

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 24)


@pytest.fixture
def run(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, airflow_metadata: str
) -> SimpleNamespace:
    """A manual run without a logical date, as a task sees it; its DAG is in Berlin."""
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(simulator.connection()))
    made = SimpleNamespace(run_id="manual", conf={}, logical_date=None, run_after=datetime.now(UTC))
    of_task = {"dag": SimpleNamespace(timezone=BERLIN), "dag_run": made, "params": {}}
    monkeypatch.setattr(context, "get_current_context", lambda: of_task)
    return made


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let it be this time for tasks."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moment.astimezone(tz)

    monkeypatch.setattr(context, "datetime", Clock)


@pytest.mark.parametrize(
    ("asked", "starts", "is_present"),
    [
        pytest.param("2026-11-23 12:00", "2026-11-23 12:01", True, id="at once"),
        pytest.param("2026-11-23 23:59", "2026-11-24 00:01", True, id="after midnight"),
        pytest.param("2026-11-23 23:00", "2026-11-24 05:30", False, id="after midnight, hours later"),
        pytest.param("2026-11-23 12:00", "2026-11-24 12:00", False, id="cleared on the next day"),
        pytest.param("2026-11-23 12:00", "2026-12-24 12:00", False, id="cleared after a month"),
    ],
)
def test_a_manual_run_builds_the_day_it_was_asked_for_whenever_it_starts(
    run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, asked: str, starts: str, is_present: bool
) -> None:
    run.run_after = datetime.fromisoformat(asked).replace(tzinfo=BERLIN)
    at(monkeypatch, datetime.fromisoformat(starts).replace(tzinfo=BERLIN))

    request = context.load_request("flexera")

    assert request.snapshot_date == date(2026, 11, 23)
    assert request.is_present is is_present


def test_a_run_asked_for_before_midnight_with_the_date_of_the_new_day_is_of_the_new_day(
    run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.run_after = datetime(2026, 11, 23, 23, 59, tzinfo=BERLIN)
    run.conf = {"snapshot_date": "2026-11-24"}
    at(monkeypatch, datetime(2026, 11, 24, 0, 1, tzinfo=BERLIN))

    assert context.load_request("flexera").is_present


def test_a_scheduled_run_is_of_its_logical_date(
    run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.logical_date = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
    at(monkeypatch, datetime(2026, 11, 24, tzinfo=BERLIN))

    assert context.load_request("flexera").snapshot_date == date(2026, 11, 23)


@pytest.mark.parametrize("zone", ["us", "eu"])
def test_two_connections_with_one_organization_number_are_refused_by_name(
    run: SimpleNamespace, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    other = simulator.connection()
    other["extra"]["zone"] = zone
    monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS", '["flexera_eu", "flexera_broken"]')
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA_EU", json.dumps(other))

    for conn_id, named in (("flexera", "flexera_eu"), ("flexera_eu", "flexera")):
        with pytest.raises(
            SettingsInvalid, match=f"'{conn_id}' and '{named}' have the same organization number"
        ):
            context.load_request(conn_id)


def test_a_broken_connection_of_another_organization_stops_nobody(
    run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS", '["flexera_broken"]')

    assert context.load_request("flexera").org_id == "12345"


def test_a_filtered_run_that_is_the_first_of_its_date_is_refused_unless_it_asks_for_a_part(
    warehouse_url: str,
) -> None:
    database = Database.connect(warehouse_url)

    def opened(day: date, filters: dict[str, Any], *, is_allowed: bool = False) -> int:
        request = LoadRequest(
            org_id="12345",
            snapshot_date=day,
            today=DAY,
            source="api",
            license_filter=LicenseFilter.from_params(filters),
            allow_partial=is_allowed,
        )
        return loads.open_load(database, request)

    def show(load_id: int, day: date) -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(
                "insert into ops.snapshots (org_id, snapshot_date, load_id, published_at) "
                f"values ('12345', '{day}', {load_id}, now())"
            )

    before = DAY - timedelta(days=1)
    show(opened(before, {}), before)

    for name in LicenseFilter.names():
        with pytest.raises(
            SnapshotPartial, match=f"2026-11-24 of organization 12345: nothing .*{name}=Oracle"
        ):
            opened(DAY, {name: ["Oracle"]})
    allowed = opened(DAY, {"publishers": ["Oracle"]}, is_allowed=True)
    assert opened(DAY, {"publishers": []}) > allowed
    show(allowed, DAY)
    assert opened(DAY, {"publishers": ["Oracle"]}) > allowed
