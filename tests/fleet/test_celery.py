"""The night on two machines, one of which is lost while it reads licenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleet_world import REQUESTS_IN_WINDOW, WORKERS, FleetWorld, connection_to, fleet_world, tenant
from ledger import broken_rules
from visible_rows import differences, visible_rows

from local_runtime import connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flexera_simulator.testing import RunningSimulator

pytestmark = pytest.mark.timeout(600)

RUN_SECONDS = 240.0
# With hosts and clusters, with users, and one that has no rows at all; several pages each.
LICENSE_IDS = ["41201", "41202", "41204", "41206", "41210", "41211", "41235", "41242"]
PAGES = "select count(*) from staging.consumption_pages where load_id = (select max(load_id) from ops.loads)"
STATES = """
select task_id, map_index, state, try_number, hostname from task_instance where run_id = %(run_id)s
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with tenant("12345") as running:
        yield running


@pytest.fixture(scope="module")
def world(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetWorld]:
    """An Airflow with two workers that no other test uses."""
    named = {connections.FLEXERA: connection_to(simulator)}
    with fleet_world(tmp_path_factory.mktemp("fleet"), named) as running:
        yield running


def begin(world: FleetWorld) -> str:
    return world.api.trigger({"source": "api", "license_ids": LICENSE_IDS})


def wait_for_end(world: FleetWorld, run_id: str) -> str:
    def over() -> str:
        world.retry_now()
        state = world.api.state(run_id)
        return state if state in ("success", "failed") else ""

    return str(world.wait(over, RUN_SECONDS, f"run {run_id} has not ended"))


def test_a_lost_worker_changes_nothing_that_is_published(
    world: FleetWorld, simulator: RunningSimulator
) -> None:
    assert wait_for_end(world, begin(world)) == "success"
    expected = visible_rows(world.warehouse)
    assert expected["chargeback"]
    page_count = int(world.warehouse.value("select page_count from bi.snapshot"))

    run_id = begin(world)
    world.wait(
        lambda: (
            world.warehouse.value(PAGES) > page_count // 4 and all(map(world.parts.at_work, WORKERS))
        ),
        RUN_SECONDS,
        "both workers never read licenses at the same time",
    )
    world.parts.kill_part(WORKERS[0])

    assert wait_for_end(world, run_id) == "success"
    print(world.metadata.rows(STATES, run_id=run_id))
    assert differences(expected, visible_rows(world.warehouse)) == []
    assert broken_rules(world.warehouse) == []
    assert simulator.counters()["throttled"] == 0
    assert simulator.counters()["max_requests_in_window"] <= REQUESTS_IN_WINDOW
