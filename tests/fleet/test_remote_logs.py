"""The logs of tasks on other machines: in the object store that docs/production.md sets up, and shown by Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet_world import FleetWorld
    from object_store import ObjectStore

# A log is stored after its task has ended, on a machine that may be busy.
STORE_SECONDS = 60.0


def test_the_log_of_a_task_is_read_from_the_object_store_where_its_worker_is_gone(
    world: FleetWorld, logs: ObjectStore, quiet_run: str
) -> None:
    path = f"dag_id=license_chargeback/run_id={quiet_run}/task_id=publish/attempt=1.log"
    published = f"License chargeback of {world.warehouse.value('select current_date')} is published"

    stored = world.wait(lambda: logs.read(path), STORE_SECONDS, "the log of publish is not in the store")
    assert published in stored
    shutil.rmtree(Path(world.environment["AIRFLOW_HOME"]) / "logs" / "dag_id=license_chargeback")
    shown = world.log_of(quiet_run, "publish")

    assert published in shown
    assert "s3://" in shown
