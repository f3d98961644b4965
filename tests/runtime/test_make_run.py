"""What a person sees of `make run`, and that it works beside another one and ends when it is told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from test_wrong_things import ROOT, copy_of_the_project

from flexera_simulator.testing import RunningSimulator, running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS, THEIRS = "12345", "67890"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """Two organizations of three licenses each."""
    with running_simulator(
        tenant="load", licenses=3, rows=30, org=(OURS, THEIRS), requests_per_minute=0
    ) as running:
        yield running


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, simulator: RunningSimulator) -> dict[str, tuple[int, str]]:
    """Exit code and output of the first two runs of a fresh folder, both at once."""
    project = copy_of_the_project(tmp_path_factory.mktemp("fresh"))
    started = {
        org_id: project.start("run", AIRFLOW_CONN_FLEXERA=json.dumps(simulator.connection(org_id)))
        for org_id in (OURS, THEIRS)
    }
    told = {org_id: "\n".join(process.communicate()) for org_id, process in started.items()}
    simulator.add_fault(license=license_ids(simulator)[1], status=403, times=None)
    code, output, errors = project.run(
        "run",
        AIRFLOW_CONN_FLEXERA=json.dumps(simulator.connection(OURS)),
        CONF='{"on_license_failure": "keep_previous"}',
    )
    return {
        **{org_id: (started[org_id].returncode, text) for org_id, text in told.items()},
        "kept": (code, output + errors),
    }


def license_ids(simulator: RunningSimulator) -> list[str]:
    return sorted(simulator.totals(org_id=OURS)["licenses"])


@pytest.mark.parametrize("org_id", [OURS, THEIRS])
def test_two_first_runs_at_once_work_for_two_organizations(
    runs: dict[str, tuple[int, str]], org_id: str
) -> None:
    code, told = runs[org_id]

    assert code == 0, told
    assert f"of organization {org_id} (load " in told
    assert " 3 licenses, 30 rows, " in told


def test_progress_is_told_in_licenses(runs: dict[str, tuple[int, str]]) -> None:
    _, told = runs[OURS]

    assert [f"{number} of 3 licenses" in told for number in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_skipped_task_and_the_end_of_the_run_say_why(runs: dict[str, tuple[int, str]]) -> None:
    code, told = runs["kept"]
    [skipped] = [line for line in told.splitlines() if " skipped " in line]

    assert code == 0, told
    assert "of 3 licenses" in skipped
    assert ": its earlier rows stay: license " in skipped
    assert "403" in skipped
    assert "1 license carried forward: " in told


STUB = """#!/bin/sh
echo $$ > pid
exec sleep 1000
"""


@pytest.fixture
def makefile(tmp_path: Path) -> Path:
    """The real Makefile over a program that waits."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    set_up = tmp_path / "include/local_runtime/setup.sh"
    set_up.parent.mkdir(parents=True)
    set_up.write_text("exit 0\n")
    (tmp_path / "stub").write_text(STUB)
    (tmp_path / "stub").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("target", ["run", "demo", "up", "down", "psql", "test", "lint", "bench", "crash"])
def test_a_signal_for_make_alone_ends_what_it_runs(makefile: Path, target: str) -> None:
    make = subprocess.Popen(["make", "PYTHON_HERE=./stub", target], cwd=makefile, stderr=subprocess.DEVNULL)
    pid = _pid_in(makefile / "pid")

    make.send_signal(signal.SIGTERM)
    make.wait()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _pid_in(path: Path) -> int:
    while not path.exists() or not path.read_text().strip():
        time.sleep(0.01)
    return int(path.read_text())
