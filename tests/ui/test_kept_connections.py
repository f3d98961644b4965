"""Connections and variables that Airflow keeps in its own database, as an operator enters them in the UI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from running_system import wait_until

if TYPE_CHECKING:
    from running_system import RunningSystem

pytestmark = pytest.mark.timeout(900)  # the system starts, and Airflow finds the new DAG

KEPT = "/api/v2/dags/license_chargeback_kept"


def test_a_failed_run_of_a_kept_connection_leaves_the_scheduler_running(system: RunningSystem) -> None:
    connection = {
        "connection_id": "flexera_kept",
        "conn_type": "flexera",
        "login": "nobody",
        "password": "nothing",
        "extra": json.dumps(
            {
                "org_id": "404",
                "api_url": system.simulator_url,
                "token_url": f"{system.simulator_url}/oidc/token",
            }
        ),
    }
    system.call("POST", "/api/v2/connections", connection)
    system.call("POST", "/api/v2/variables", {"key": "chargeback_organizations", "value": '["flexera_kept"]'})
    wait_until(lambda: system.is_there(KEPT), lambda seen: "success" if seen else "absent")

    assert system.run(KEPT)["state"] == "failed"

    assert system.trigger(license_ids=["41202"], source="api", snapshot_date="2026-01-02") == "success"
    assert system.run(KEPT)["state"] == "failed"
    health = system.call("GET", "/api/v2/monitor/health")
    assert health["scheduler"]["status"] == "healthy"
