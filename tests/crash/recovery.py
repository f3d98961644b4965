"""Bring a run that was hit to its end, as an operator would."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_api import NotAnswering
from looks import GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_api import TaskSeen
    from crash_world import CrashWorld
    from kills import Kill
    from night_run import NightRun

POLL_SECONDS = 0.25
# Without any change for so long, or without success for so long, an operator restarts the scheduler.
STANDSTILL_SECONDS = 30.0
LONGEST_SECONDS = 180.0
MOST_RESTARTS = 2
MOST_CLEARS = 3
# Airflow tries a task again after one to fifteen minutes: the failed try is dated back, so that it does so now.
RETRY_NOW = """
update task_instance set end_date = end_date - interval '1 hour'
where run_id = %(run_id)s and state = 'up_for_retry' and end_date > now() - interval '30 minutes'
returning task_id, map_index
"""


class Stuck(Exception):  # noqa: N818 - the name says what happened
    """The run did not come to its end, whatever was done."""


@dataclass
class Recovery:
    """What was done after one kill, and by whom."""

    restarted: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    by_operator: list[str] = field(default_factory=list)
    is_complete: bool = False

    @property
    def is_by_airflow_alone(self) -> bool:
        """Nobody did more than start again what had been killed."""
        return self.is_complete and not self.by_operator

    def __str__(self) -> str:
        parts = [
            f"restarted {_counted(self.restarted)}" if self.restarted else "",
            f"Airflow retried {_counted(self.retried)}" if self.retried else "",
            *self.by_operator,
        ]
        return "; ".join(part for part in parts if part) or "Airflow went on"


def _counted(names: list[str]) -> str:
    return ", ".join(
        name if count == 1 else f"{name} {count} times" for name, count in Counter(names).items()
    )


class Operator:
    """Looks at the run again and again, and does what it takes."""

    def __init__(self, world: CrashWorld, run: NightRun) -> None:
        self._world = world
        self._run = run
        self._recovery = Recovery()
        self._patience = "waits"
        self._outage_ends_at = 0.0
        self._restart_count = 0
        self._seen: object = None
        self._moved_at = self._began_at = time.monotonic()

    def after(self, planned: Kill) -> Recovery:
        """Something was just killed: what is done from now on is its recovery."""
        self._recovery = Recovery()
        self._patience = planned.patience
        self._outage_ends_at = time.monotonic() + planned.outage_seconds
        self._moved_at = self._began_at = time.monotonic()
        return self._recovery

    def recover(self, until: Callable[[], bool] = lambda: False) -> None:
        """Go on until the run has succeeded and nothing is at work any more, or until the next kill."""
        while not until():
            try:
                if self._step():
                    self._wait_for_quiet()
                    break
            except (NotAnswering, *GONE) as problem:
                self._note(str(problem).partition(":")[0])
            time.sleep(POLL_SECONDS)
        self._recovery.is_complete = True

    def _step(self) -> bool:
        """One look at the run, and what follows from it; whether it has succeeded."""
        if time.monotonic() < self._outage_ends_at:
            return False
        self._recovery.restarted += self._world.revive()
        if self._patience == "triggers":
            self._trigger_again()
        state = self._world.api.state(self._run.run_id)
        tasks = self._world.api.tasks(self._run.run_id)
        self._note((state, tasks))
        if state == "failed":
            self._clear([task for task in tasks if task.state in ("failed", "upstream_failed")])
        elif waiting := [task for task in tasks if task.state == "up_for_retry"]:
            self._try_again(waiting)
        return state == "success"

    def _trigger_again(self) -> None:
        """Trigger the night anew, without a look at what may still be at work."""
        self._run.trigger_again()
        self._patience = "waits"
        self._recovery.by_operator.append("triggered the night again")

    def _try_again(self, tasks: list[TaskSeen]) -> None:
        if self._patience == "clears":
            self._patience = "waits"
            self._clear(tasks)
            return
        dated_back = self._world.metadata.rows(RETRY_NOW, run_id=self._run.run_id)
        names = {(row["task_id"], row["map_index"]) for row in dated_back}
        self._recovery.retried += [str(task) for task in tasks if (task.task_id, task.map_index) in names]

    def _clear(self, tasks: list[TaskSeen]) -> None:
        if sum(action.startswith("cleared") for action in self._recovery.by_operator) >= MOST_CLEARS:
            raise Stuck(f"run {self._run.run_id} fails again each time it is cleared")
        red = [task for task in tasks if task.state != "upstream_failed"] or tasks
        self._world.api.clear(self._run.run_id, red)
        self._recovery.by_operator.append(f"cleared {', '.join(map(str, red))}")

    def _note(self, seen: object) -> None:
        """Restart the scheduler when the run stands still, or goes in circles."""
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._moved_at = seen, now
        if now - self._moved_at < STANDSTILL_SECONDS and now - self._began_at < LONGEST_SECONDS:
            return
        if self._restart_count >= MOST_RESTARTS:
            raise Stuck(f"run {self._run.run_id} does not end: {seen}")
        self._restart_count += 1
        self._moved_at = self._began_at = now
        self._world.parts.restart_scheduler()
        self._recovery.by_operator.append("restarted a scheduler that got nothing done")

    def _wait_for_quiet(self) -> None:
        """Wait until no task is at work, be it one that outlived its scheduler."""
        if busy := self._world.parts.wait_until_idle():
            raise Stuck(f"run {self._run.run_id} has succeeded, and these are still at work: {busy}")
        self._world.parts.end_leftovers()
