"""Two organizations in one warehouse: their nights at the same time show what each shows alone."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from fleet_world import LICENSE_IDS, REQUESTS_IN_WINDOW, TENANTS, tenant
from ledger import broken_rules
from looks import Looks
from nightly_job import Nightly
from sqlalchemy.engine import make_url
from visible_rows import differences, visible_rows

from local_runtime.connections import postgres_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet_world import FleetWorld

    from flexera_simulator.testing import RunningSimulator

LOADS = """
select org_id, started_at, published_at from ops.loads where load_id > %(before)s order by load_id
"""
BUDGETS = "select budget_id, request_count from ops.request_budgets where budget_id not like '%/token/%'"


@pytest.fixture(scope="module")
def alone(
    postgres_url: str,
    warehouse_template: str,
    on_server: Callable[[str], None],
    airflow_metadata: str,
) -> dict[str, dict[str, list[str]]]:
    """What BI shows of each organization that has a warehouse to itself, by org id."""
    shown = {}
    for conn_id in TENANTS:
        name = f"alone_{uuid.uuid4().hex}"
        on_server(f"create database {name} template {warehouse_template}")
        looks = Looks(
            make_url(postgres_url).set(drivername="postgresql", database=name).render_as_string(False)
        )
        with pytest.MonkeyPatch.context() as patch, tenant(conn_id, 0) as simulator:
            patch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(simulator.connection()))
            patch.setenv("AIRFLOW_CONN_WAREHOUSE", postgres_connection(looks.url))
            run = Nightly(simulator, looks.url).run(source="api", license_ids=LICENSE_IDS)
        assert run.state == "success"
        shown[simulator.settings.org[0]] = visible_rows(looks)
        looks.close()
        on_server(f"drop database {name}")
    return shown


def of_organization(shown: dict[str, list[str]], org_id: str) -> dict[str, list[str]]:
    """The rows of one organization; those that name none, such as methods, are left out."""
    return {
        view: [line for line in lines if json.loads(line).get("org_id") == org_id]
        for view, lines in shown.items()
    }


def without_organization(shown: dict[str, list[str]], view: str) -> set[str]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in shown[view]]
    return {json.dumps({**row, "org_id": None}, sort_keys=True) for row in rows}


def test_the_nights_of_two_organizations_do_not_touch_each_other(
    world: FleetWorld, tenants: dict[str, RunningSimulator], alone: dict[str, dict[str, list[str]]]
) -> None:
    before = world.warehouse.value("select coalesce(max(load_id), 0) from ops.loads")

    run_ids = {conn_id: world.begin(conn_id) for conn_id in tenants}
    assert {conn_id: world.ends(run_id, conn_id) for conn_id, run_id in run_ids.items()} == dict.fromkeys(
        tenants, "success"
    )

    first, second = world.warehouse.rows(LOADS, before=before)
    assert {first["org_id"], second["org_id"]} == {"12345", "67890"}
    assert second["started_at"] < first["published_at"]
    shown = visible_rows(world.warehouse)
    for org_id, expected in alone.items():
        found = of_organization(shown, org_id)
        assert differences(of_organization(expected, org_id), found) == [], org_id
        assert {view for view in ("chargeback", "license_position", "snapshot") if not found[view]} == set()
    assert broken_rules(world.warehouse) == []


def test_the_organizations_share_license_ids_and_nothing_else(
    alone: dict[str, dict[str, list[str]]],
) -> None:
    ids = [{json.loads(line)["license_id"] for line in shown["license_position"]} for shown in alone.values()]
    first, second = (without_organization(shown, "chargeback") for shown in alone.values())

    assert ids[0] & ids[1] == set(LICENSE_IDS)
    assert first - second
    assert second - first


def test_each_organization_spends_a_budget_of_its_own(
    world: FleetWorld, tenants: dict[str, RunningSimulator]
) -> None:
    taken = {row["budget_id"]: row["request_count"] for row in world.warehouse.rows(BUDGETS)}

    for simulator in tenants.values():
        budget_id = f"{simulator.url.removeprefix('http://')}/{simulator.settings.org[0]}"
        assert taken[budget_id] > 0
        counters = simulator.counters()
        assert counters["throttled"] == 0
        assert counters["max_requests_in_window"] <= REQUESTS_IN_WINDOW


def test_a_failed_run_of_a_kept_connection_leaves_the_scheduler_running(
    world: FleetWorld, failed_run: str
) -> None:
    ledger = "select status, failure from ops.loads where dag_run_id = %(run_id)s and org_id = '67890'"
    [load] = world.warehouse.rows(ledger, run_id=failed_run)

    assert load["status"] == "failed"
    assert "keeps none of the" in load["failure"]
    assert world.is_healthy("scheduler")
    assert world.ends(world.begin("flexera_emea"), "flexera_emea") == "success"
