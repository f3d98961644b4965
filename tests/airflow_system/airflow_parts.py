"""The parts of a real Airflow, each a process of its own that can be killed and started again."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from local_runtime import processes
from local_runtime.supervisor import COMPONENTS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SCHEDULER = "scheduler"
# The DAG defers nothing, so nobody misses the triggerer.
PARTS = {name: command for name, command in COMPONENTS.items() if name != "triggerer"}
# Airflow as it is started from a shell, but gone when the process that started it is.
ON_A_LEASH = (
    "import sys; from local_runtime.processes import end_with_parent; end_with_parent();"
    "sys.argv[0] = 'airflow'; from airflow.__main__ import main; main()"
)
# Airflow takes minutes to call a process dead; here it takes seconds, and nothing else is changed.
QUICK = {
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "8",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "4",
}
IDLE_SECONDS = 60.0


class AirflowParts:
    """An API server, a scheduler and a DAG processor, and whatever else of Airflow is named: part to its command."""

    def __init__(
        self, environment: Mapping[str, str], logs: Path, parts: Mapping[str, Sequence[str]] = PARTS
    ) -> None:
        self._parts = dict(parts)
        self._environment = environment
        self._home = environment[processes.MARK]
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._killed_schedulers: list[int] = []

    def start(self) -> list[str]:
        """Start what does not run; returns the names of those parts."""
        missing = [name for name in self._parts if not self._runs(name)]
        for name in missing:
            if name == SCHEDULER and name in self._running:
                self._killed_schedulers.append(self._running[name].pid)
            command = [sys.executable, "-c", ON_A_LEASH, *self._parts[name]]
            log = self._logs / f"{name}.log"
            self._running[name] = processes.start(command, log, self._environment, on_leash=True)
        return missing

    def stop(self) -> None:
        """End every part and what killed ones left running; there is nothing that could be lost."""
        for part in self._running.values():
            kill_all(self._home, part.pid)
            part.wait()
        self.end_leftovers()

    def workers(self) -> list[psutil.Process]:
        """The executor's processes that are busy with a task at this moment."""
        return [worker for worker in _children(self._running[SCHEDULER].pid) if _children(worker.pid)]

    def tasks(self) -> list[psutil.Process]:
        """The processes that run the project's code for a task at this moment."""
        return [task for worker in self.workers() for task in _children(worker.pid)]

    def kill_part(self, name: str) -> None:
        """Kill a part with all it started, as when its machine is lost."""
        kill_all(self._home, self._running[name].pid)
        self._running[name].wait()

    def ask_to_stop(self, name: str) -> None:
        """Ask a part to end in good order, as a container's stop does, without waiting for it."""
        self._running[name].terminate()

    def pids(self, name: str) -> list[int]:
        """The processes of a part: itself and all it started."""
        return processes.members(self._running[name].pid, self._home)

    def kill_scheduler(self, *, with_all_it_started: bool) -> None:
        """Kill the scheduler alone, which leaves its tasks running, or the whole of it as a container dies."""
        scheduler = self._running[SCHEDULER]
        scheduler.kill()
        scheduler.wait()
        if with_all_it_started:
            kill_all(self._home, scheduler.pid)

    def restart_scheduler(self) -> None:
        """What an operator does when nothing moves any more: end all of it, and start it again.

        Workers that outlived their scheduler may hold its connection to the database, and with it its locks.
        """
        self.kill_scheduler(with_all_it_started=True)
        self.end_leftovers()
        self.start()

    def wait_until_idle(self) -> list[str]:
        """Wait until no task is at work; returns those that still are after a while."""
        give_up_at = time.monotonic() + IDLE_SECONDS
        while (busy := self.busy()) and time.monotonic() < give_up_at:
            time.sleep(0.1)
        return busy

    def busy(self) -> list[str]:
        """What is at work on a task, be it started by a scheduler that was killed meanwhile."""
        leaders = [self._running[SCHEDULER].pid, *self._killed_schedulers]
        titles = [_title(pid) for leader in leaders for pid in processes.members(leader, self._home)]
        return [title for title in titles if title.startswith("airflow worker") and "<idle>" not in title]

    def end_leftovers(self) -> None:
        """End the idle processes that killed schedulers left behind."""
        while self._killed_schedulers:
            kill_all(self._home, self._killed_schedulers.pop())

    def _runs(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None


def kill(process: psutil.Process) -> None:
    """SIGKILL; a process that has just ended is as dead."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


def kill_all(home: str, leader: int) -> None:
    """SIGKILL whatever a process started, itself included."""
    for pid in processes.members(leader, home):
        with suppress(psutil.NoSuchProcess):
            kill(psutil.Process(pid))


def _title(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline()).strip()
    except psutil.Error:
        return ""


def _children(pid: int) -> list[psutil.Process]:
    try:
        return [child for child in psutil.Process(pid).children() if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []
