"""A run of a DAG of ours in a process of its own, as `make run` makes one, with settings of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def run(
    log: Path, settings: dict[str, str], *, dag_id: str = "license_chargeback", **params: Any
) -> tuple[str, dict[str, set[str]]]:
    """How the run ended, and the states that each task went through; what Airflow says goes to the log."""
    reading, writing = os.pipe()
    conf = {"allow_partial": True, **params} if dag_id == "license_chargeback" else params
    request = {"dag_id": dag_id, "conf": conf, "events": writing}
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "local_runtime.dag_run"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=[writing],
            env=os.environ | settings,
        )
    os.close(writing)
    assert child.stdin is not None
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    with os.fdopen(reading, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    child.stdin.close()
    child.wait()
    states: dict[str, set[str]] = {}
    for event in events:
        if event["event"] == "task":
            states.setdefault(event["task_id"], set()).add(event["state"])
    [end] = [event["state"] for event in events if event["event"] == "finished"] or [log.read_text()]
    return end, states
