"""Two organizations and an Airflow with two workers, for all tests of this folder."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from fleet_world import TENANTS, FleetWorld, connection_to, fleet_world, tenant
from object_store import running_object_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from object_store import ObjectStore

    from flexera_simulator.testing import RunningSimulator

# A system starts, and its nights follow one after the other on a machine that may be busy.
LONGEST_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


@pytest.fixture(scope="package")
def tenants() -> Iterator[dict[str, RunningSimulator]]:
    """The organizations by their connections."""
    with ExitStack() as stack:
        yield {conn_id: stack.enter_context(tenant(conn_id)) for conn_id in TENANTS}


@pytest.fixture(scope="package")
def logs() -> Iterator[ObjectStore]:
    """Where tasks leave their logs."""
    with running_object_store() as store:
        yield store


@pytest.fixture(scope="package")
def world(
    tenants: dict[str, RunningSimulator], logs: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FleetWorld]:
    """An Airflow with two workers that knows both organizations: one from its environment, one from its database."""
    named = {
        "AIRFLOW_CONN_FLEXERA": connection_to(tenants["flexera"]),
        "AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS": json.dumps(["flexera_emea"]),
    }
    with fleet_world(tmp_path_factory.mktemp("fleet"), named | logs.settings) as running:
        running.keep_connection("flexera_emea", connection_to(tenants["flexera_emea"]))
        yield running


@pytest.fixture(scope="package")
def failed_run(world: FleetWorld) -> str:
    """The id of a failed run of the organization whose connection Airflow keeps in its database."""
    run_id = world.begin("flexera_emea", license_ids=["no such license"])
    assert world.ends(run_id, "flexera_emea") == "failed"
    return run_id


@pytest.fixture(scope="package")
def quiet_run(world: FleetWorld) -> str:
    """The id of a run of the first organization in which nothing happened."""
    run_id = world.begin("flexera")
    assert world.ends(run_id) == "success"
    return run_id
