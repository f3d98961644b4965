"""One run of the night, from its trigger on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from looks import GONE

if TYPE_CHECKING:
    from crash_world import CrashWorld

POLL_SECONDS = 0.01
START_SECONDS = 120.0
OVER = ("success", "failed")
STATE = "select state from dag_run where run_id = %(run_id)s"
NEWEST_LOAD = "select coalesce(max(load_id), 0) from ops.loads"
AT_WORK = """
select string_agg(distinct task_id, ', ') from task_instance where run_id = %(run_id)s and state = 'running'
"""


class NightRun:
    """A run that has begun; `run_id` changes when an operator triggers the night again."""

    def __init__(self, world: CrashWorld, source: str = "api") -> None:
        self._world = world
        self.load_before = world.warehouse.value(NEWEST_LOAD)
        self.run_id = world.api.trigger(world.conf(source))
        self._wait_for_start()
        self.started_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self.started_at

    def is_over(self) -> bool:
        return self._state() in OVER

    def tasks_at_work(self) -> str:
        return self._world.metadata.value(AT_WORK, run_id=self.run_id) or "no task"

    def trigger_again(self) -> None:
        """Give the run up and trigger the night anew."""
        self._world.api.mark_failed(self.run_id)
        self.run_id = self._world.api.trigger(self._world.conf())

    def _wait_for_start(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while self._state() == "queued":
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"run {self.run_id} was not started in {START_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    def _state(self) -> str:
        try:
            return str(self._world.metadata.value(STATE, run_id=self.run_id))
        except GONE:
            return "unknown"
