"""`make doctor`: what could stop the night, looked at where the night would run."""

from __future__ import annotations

import subprocess
import sys

from local_runtime.supervisor import Up
from local_runtime.system import METADATA_OF_RUN, METADATA_OF_UP, say, system


def main() -> int:
    """Look at the tenant and warehouse that are named; what is ours in .local is set up before, as for a run."""
    with system(_metadata(), leaves_theirs=True) as prepared:
        command = [sys.executable, "-m", "chargeback", "doctor"]
        quiet = prepared.environment | {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
        return subprocess.run(command, env=quiet, check=False).returncode


def _metadata() -> str:
    """The Airflow of `make up` from its start until `make down`, be it alive or not; else the one of `make run`."""
    up = Up.read()
    if up is None:
        return METADATA_OF_RUN
    say(f"Looking at the Airflow that make up started, at {up.url}")
    return METADATA_OF_UP
