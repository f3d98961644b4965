"""A run that is killed and run again publishes what a run that was not killed publishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from nightly_job import DAGS

CHILD = f"""
from datetime import UTC, datetime
from airflow.dag_processing.dagbag import DagBag
dag = DagBag({str(DAGS)!r}).dags["license_chargeback"]
dag.test(logical_date=datetime.now(UTC), run_conf={{"publishers": ["Oracle", "IBM"], "allow_partial": True}})
"""
# What the warehouse shows at the moment of the kill, of the newest load.
NEWEST = "(select max(load_id) from ops.loads)"
MOMENTS = {
    "a first license is extracted": (
        f"select count(*) from ops.extractions where status = 'complete' and load_id = {NEWEST}"
    ),
    "most licenses are extracted": (
        f"select count(*) / 10 from ops.extractions where status = 'complete' and load_id = {NEWEST}"
    ),
    "pages are flattened": (
        f"select count(*) from intermediate.int_consumption_lines where load_id = {NEWEST}"
    ),
    "the star is checked": (
        f"select count(*) from ops.loads where star_checked_at is not null and load_id = {NEWEST}"
    ),
}


@pytest.fixture(scope="module")
def undisturbed(nightly):
    """What a run that nobody disturbs publishes."""
    assert nightly.run(publishers=["Oracle", "IBM"]).state == "success"
    return nightly.published()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_when(moment, nightly, undisturbed) -> None:
    before = nightly.value("select max(load_id) from ops.loads")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while child.poll() is None and not (
        nightly.value("select max(load_id) from ops.loads") > before and nightly.value(MOMENTS[moment])
    ):
        time.sleep(0.01)
    assert child.poll() is None, "the run ended before it could be killed"
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()

    assert nightly.published() == undisturbed
    assert nightly.run(publishers=["Oracle", "IBM"]).state == "success"
    assert nightly.published() == undisturbed
    assert nightly.value("select count(*) from ops.loads where status = 'running'") == 0
