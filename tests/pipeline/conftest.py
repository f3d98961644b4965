"""The nightly DAG against the simulator and a warehouse of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from nightly_job import Nightly, connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flexera_simulator.testing import RunningSimulator


@pytest.fixture(scope="module")
def nightly(
    airflow_metadata: str, simulator: RunningSimulator, module_warehouse_url: str
) -> Iterator[Nightly]:
    """The DAG, with connections to a simulator and a warehouse for the tests of one file."""
    before = dict(os.environ)
    os.environ.update(connections(simulator, module_warehouse_url))
    yield Nightly(simulator, module_warehouse_url)
    os.environ.clear()
    os.environ.update(before)
