"""The night on two machines, one of which is lost, or stopped in good order, while it reads licenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleet_world import REQUESTS_IN_WINDOW, RUN_SECONDS, WORKERS
from ledger import broken_rules
from visible_rows import differences, visible_rows

if TYPE_CHECKING:
    from fleet_world import FleetWorld

    from flexera_simulator.testing import RunningSimulator

LOST, LEFT = WORKERS
# A quarter of the pages is staged, so that the extraction has begun and is far from its end.
SHARE_OF_PAGES = 0.25
PAGES = "select count(*) from staging.consumption_pages where load_id = (select max(load_id) from ops.loads)"
TRIES = "select task_id, map_index, try_number from task_instance where run_id = %(run_id)s"


@pytest.fixture(scope="module")
def undisturbed(world: FleetWorld, quiet_run: str) -> dict[str, list[str]]:
    """All that BI shows after a night in which nothing happened."""
    shown = visible_rows(world.warehouse)
    assert {
        row_count for view in ("chargeback", "license_position") if not (row_count := len(shown[view]))
    } == set()
    return shown


def begin_and_read(world: FleetWorld) -> str:
    """A run whose licenses are being read by both workers at this moment."""
    page_count = int(world.warehouse.value("select page_count from bi.snapshot where org_id = '12345'"))
    world.wait_for_workers()
    run_id = world.begin("flexera")
    world.wait(
        lambda: (
            world.warehouse.value(PAGES) > page_count * SHARE_OF_PAGES
            and all(world.tasks_of(name) for name in WORKERS)
        ),
        RUN_SECONDS,
        "both workers never read licenses at the same time",
    )
    return run_id


def tries(world: FleetWorld, run_id: str) -> dict[tuple[str, int], int]:
    return {
        (row["task_id"], row["map_index"]): row["try_number"]
        for row in world.metadata.rows(TRIES, run_id=run_id)
    }


def test_a_lost_worker_changes_nothing_that_is_published(
    world: FleetWorld, tenants: dict[str, RunningSimulator], undisturbed: dict[str, list[str]]
) -> None:
    run_id = begin_and_read(world)
    lost_tasks = world.tasks_of(LOST)
    world.parts.kill_part(LOST)

    assert world.ends(run_id) == "success"
    assert differences(undisturbed, visible_rows(world.warehouse)) == []
    assert broken_rules(world.warehouse) == []
    tried = tries(world, run_id)
    assert lost_tasks
    assert {task_id for task_id, _ in lost_tasks} == {"extract_consumption"}
    assert [task for task in lost_tasks if tried[task] < 2] == []
    counters = tenants["flexera"].counters()
    assert counters["throttled"] == 0
    assert counters["max_requests_in_window"] <= REQUESTS_IN_WINDOW


def test_a_worker_that_is_asked_to_stop_ends_its_tasks_first(
    world: FleetWorld, undisturbed: dict[str, list[str]]
) -> None:
    world.parts.start()
    run_id = begin_and_read(world)
    tasks = world.tasks_of(LOST)
    world.parts.ask_to_stop(LOST)

    assert world.ends(run_id) == "success"
    assert differences(undisturbed, visible_rows(world.warehouse)) == []
    assert tasks
    assert {task: number for task, number in tries(world, run_id).items() if number != 1} == {}
    world.parts.start()
