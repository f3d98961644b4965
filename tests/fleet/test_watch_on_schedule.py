"""The watch over freshness, begun by a scheduler and run by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_place import api_of
from fleet_world import RUN_SECONDS

if TYPE_CHECKING:
    from fleet_world import FleetWorld
    from object_store import ObjectStore

WATCH = "freshness_watch"


def test_the_watch_fails_for_the_organization_without_a_snapshot_and_tells_it(
    world: FleetWorld, logs: ObjectStore, quiet_run: str, failed_run: str
) -> None:
    assert world.is_healthy("scheduler")
    world.warehouse.rows("delete from ops.snapshots where org_id = '67890' returning org_id")
    api = api_of(world.folder, world.environment, WATCH)
    run_id = api.trigger({})

    world.wait(lambda: api.state(run_id) in ("success", "failed"), RUN_SECONDS, "the watch has not ended")

    states = {str(task): task.state for task in api.tasks(run_id)}
    assert states == {
        "list_organizations": "success",
        "check_freshness[0]": "success",
        "check_freshness[1]": "failed",
    }
    path = f"dag_id={WATCH}/run_id={run_id}/task_id=check_freshness/map_index=1/attempt=1.log"
    told = world.wait(lambda: logs.read(path), RUN_SECONDS, "the log of the watch is not in the store")
    assert "License chargeback: no new snapshot by connection flexera_emea" in told
    assert "organization 67890: no snapshot is published yet" in told
