"""`make doctor`: what could stop the night, looked at where the night would run."""

from __future__ import annotations

import subprocess
import sys

from local_runtime.system import METADATA_OF_RUN, system


def main() -> int:
    """Look at the tenant and warehouse that are named; what is ours in .local is set up before, as for a run."""
    with system(METADATA_OF_RUN, leaves_theirs=True) as prepared:
        command = [sys.executable, "-m", "chargeback", "doctor"]
        quiet = prepared.environment | {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
        return subprocess.run(command, env=quiet, check=False).returncode
