"""Stopping what was started, all of it and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local_runtime import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GRACE_SECONDS = 0.2
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, 1); time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""
LEASHED = """
import time
from local_runtime import processes
processes.end_with_parent()
time.sleep(600)
"""
# Starts a program on a leash, tells its pid, and waits to be killed.
HOLDER = """
import os, sys, time
from pathlib import Path
from local_runtime import processes
child = processes.start([sys.executable, "-c", sys.argv[1]], Path(sys.argv[2]), os.environ, on_leash=True)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """What our programs are started with: their folder, and the mark of whose they are."""
    return os.environ | {"AIRFLOW_HOME": str(tmp_path), processes.MARK: str(tmp_path)}


@pytest.fixture
def stubborn(tmp_path, environment) -> Iterator[int]:
    """A program that does not end when asked to, with a child alike."""
    log = tmp_path / "logs" / "stubborn.log"
    process = processes.start([sys.executable, "-c", STUBBORN], log, environment)
    wait_for(lambda: "ready" in log.read_text() and len(processes.members(process.pid, str(tmp_path))) == 2)
    yield process.pid
    processes.stop(process.pid, str(tmp_path), 0)


def wait_for(is_so) -> None:
    """Look until it is so; pytest's timeout is the end of patience."""
    while not is_so():
        os.sched_yield()


def test_a_program_that_will_not_end_is_ended_with_all_it_started(stubborn, tmp_path) -> None:
    processes.stop(stubborn, str(tmp_path), GRACE_SECONDS)

    assert processes.members(stubborn, str(tmp_path)) == []


def test_a_number_that_is_another_program_by_now_is_left_alone(stubborn, tmp_path) -> None:
    elsewhere = tmp_path / "another clone"

    assert processes.members(stubborn, str(elsewhere)) == []
    processes.stop(stubborn, str(elsewhere), GRACE_SECONDS)
    assert len(processes.members(stubborn, str(tmp_path))) == 2


def test_a_program_is_known_by_its_folder_where_that_is_a_link_and_a_title_covers_the_mark(
    tmp_path, environment
) -> None:
    elsewhere = tmp_path / "on another disk"
    elsewhere.mkdir()
    local = tmp_path / ".local"
    local.symlink_to(elsewhere)
    unmarked = {name: value for name, value in environment.items() if name != processes.MARK}
    child = processes.start(["sleep", "600"], local / "log", unmarked | {"AIRFLOW_HOME": str(local)})

    assert processes.members(child.pid, str(local)) == [child.pid]
    processes.stop(child.pid, str(local), GRACE_SECONDS)
    assert processes.members(child.pid, str(local)) == []


def test_what_outlives_its_leader_is_ended_too(stubborn, tmp_path) -> None:
    os.kill(stubborn, signal.SIGKILL)
    wait_for(lambda: len(processes.members(stubborn, str(tmp_path))) == 1)
    processes.stop(stubborn, str(tmp_path), GRACE_SECONDS)

    assert processes.members(stubborn, str(tmp_path)) == []


def test_a_program_on_a_leash_ends_when_its_starter_is_killed(tmp_path, environment) -> None:
    log = tmp_path / "leashed.log"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, LEASHED, str(log)], stdout=subprocess.PIPE, text=True, env=environment
    ) as holder:
        leashed = int(holder.stdout.readline())
        assert processes.members(leashed, str(tmp_path)) == [leashed]
        holder.kill()

    wait_for(lambda: processes.members(leashed, str(tmp_path)) == [])


def test_logs_are_readable_by_their_owner_only(stubborn, tmp_path: Path) -> None:
    assert (tmp_path / "logs" / "stubborn.log").stat().st_mode & 0o777 == 0o600
