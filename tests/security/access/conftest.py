"""One warehouse for all tests of this folder: two nights, built by a login that is nothing but chargeback_loader."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from access_world import AccessWorld, access_world
from nightly_job import Nightly, connections

from flexera_simulator.testing import running_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EARLIER = "2026-05-31"


@pytest.fixture(scope="package")
def nights(
    airflow_metadata: str, postgres_url: str, warehouse_template: str, on_server: Callable[[str], None]
) -> Iterator[tuple[AccessWorld, Nightly]]:
    """The warehouse, and the nightly job that filled it: the demo tenant today, and a part of it at an earlier date."""
    with (
        access_world(postgres_url, warehouse_template, on_server) as world,
        running_simulator(requests_per_minute=0) as simulator,
    ):
        loader = world.person("nightly", "chargeback_loader")
        url = loader.url.render_as_string(hide_password=False)
        nightly = Nightly(simulator, url)
        with connected(nightly):
            assert nightly.run(snapshot_date=EARLIER, source="api", publishers=["Oracle"]).state == "success"
            assert nightly.run().state == "success"
        yield world, nightly


@pytest.fixture(autouse=True)
def connection_of_the_job(nights: tuple[AccessWorld, Nightly]) -> Iterator[None]:
    """The job's connections, for one test: the nights outlive this folder, and other tests have none."""
    with connected(nights[1]):
        yield


@contextmanager
def connected(nightly: Nightly) -> Iterator[None]:
    """The environment with the job's connections in it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in connections(nightly.simulator, nightly.warehouse_url).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="package")
def world(nights: tuple[AccessWorld, Nightly]) -> AccessWorld:
    return nights[0]


@pytest.fixture(scope="package")
def nightly(nights: tuple[AccessWorld, Nightly]) -> Nightly:
    return nights[1]
