"""The nights that fail, lived through once for all tests of this folder."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bad_nights import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, BadNights
from foreign_host import foreign_host
from leaky_simulator import leaky_simulator
from places import watched_processes
from sqlalchemy.engine import make_url

from airflow_system import airflow_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seven nights of a real Airflow, one after the other, on a machine that may be busy.
NIGHTS_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test that asks for the nights the time to live through them."""
    for item in items:
        if "bad_nights" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(NIGHTS_SECONDS))


@pytest.fixture(scope="package")
def bad_nights(
    postgres_url: str,
    warehouse_template: str,
    on_server: Callable[[str], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BadNights]:
    """A real Airflow that went through every failure; it still runs."""
    names = {each: f"security_{each}_{uuid.uuid4().hex}" for each in ("airflow", "warehouse")}
    on_server(f"create database {names['airflow']}")
    on_server(f"create database {names['warehouse']} template {warehouse_template}")
    urls = {
        each: make_url(postgres_url).set(drivername="postgresql", database=name).render_as_string(False)
        for each, name in names.items()
    }
    secrets = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    with (
        watched_processes() as processes,
        foreign_host() as foreign,
        leaky_simulator(**secrets) as simulator,
        airflow_system(
            tmp_path_factory.mktemp("security"), urls["airflow"], simulator.connection(), urls["warehouse"]
        ) as system,
    ):
        log = Path(os.environ["AIRFLOW_HOME"]).parent / "postgres" / "server.log"
        nights = BadNights(system, simulator, foreign, processes, urls["warehouse"], log)
        nights.live_through_them()
        yield nights
    for name in names.values():
        on_server(f"drop database {name} with (force)")
