"""Wait for the moment of a kill, and kill."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from airflow_parts import kill
from looks import GONE

if TYPE_CHECKING:
    import psutil
    from crash_world import CrashWorld
    from kills import Kill
    from night_run import NightRun

POLL_SECONDS = 0.01
TASK_HAS_STARTED = """
select exists (
    select 1 from task_instance
    where run_id = %(run_id)s and task_id = %(task_id)s and start_date is not null
)
"""
PAGES = "select count(*) from staging.consumption_pages where load_id > %(load_before)s"
WRITES = """
select exists (
    select 1 from pg_catalog.pg_stat_activity
    where application_name = 'license_chargeback' and backend_xid is not null
)
"""


class Strike:
    """One kill of one run."""

    def __init__(self, world: CrashWorld, planned: Kill, run: NightRun, undisturbed_seconds: float) -> None:
        self._world = world
        self._kill = planned
        self._run = run
        self._undisturbed_seconds = undisturbed_seconds
        self._dice = random.Random(planned.dice)  # noqa: S311 - repeatable is what it has to be
        self.during = ""

    def has_come(self) -> bool:
        """Whether the moment is there."""
        try:
            return self._is_seen()
        except GONE:
            return False

    def wait(self) -> None:
        """Wait for the moment, or for the end of the run."""
        while not self._run.is_over() and not self.has_come():
            time.sleep(POLL_SECONDS)

    def hit(self) -> bool:
        """Kill; False where the run was over before."""
        time.sleep(self._kill.moment.seconds)
        if self._run.is_over():
            return False
        self.during = self._run.tasks_at_work()
        match self._kill.kind:
            case "scheduler":
                self._world.parts.kill_scheduler(with_all_it_started=self._kill.takes_all)
            case "warehouse" | "metadata":
                self._world.servers[self._kill.kind].stop("immediate")
            case _:
                return self._hit_process()
        return True

    def _is_seen(self) -> bool:
        moment, warehouse = self._kill.moment, self._world.warehouse
        if moment.after == "page":
            return bool(warehouse.value(PAGES, load_before=self._run.load_before) >= moment.pages)
        if moment.after == "task":
            metadata, run_id = self._world.metadata, self._run.run_id
            return bool(metadata.value(TASK_HAS_STARTED, run_id=run_id, task_id=moment.task_id))
        is_late_enough = self._run.seconds >= moment.share_of_run * self._undisturbed_seconds
        return is_late_enough and (moment.after == "time" or bool(warehouse.value(WRITES)))

    def _hit_process(self) -> bool:
        """Kill one of the processes that are at work, as soon as there is one."""
        while not self._run.is_over():
            if victims := self._victims():
                self.during = self._run.tasks_at_work()
                kill(self._dice.choice(victims))
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _victims(self) -> list[psutil.Process]:
        parts = self._world.parts
        found = parts.tasks() if self._kill.kind == "task" else parts.workers()
        return sorted(found, key=lambda process: process.pid)
