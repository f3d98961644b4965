"""Two nights published by the real job, and a login of role chargeback_analyst: what every BI client finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool
from warehouse_home import PASSWORD, READER, Home, copied_project, psycopg2_url

from flexera_simulator.testing import running_simulator
from local_runtime.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The nights are read from a simulator that shows the tenant of each date."""
    folder = tmp_path_factory.mktemp("project")
    copied_project(folder)
    with (
        PostgresServer(folder / ".local" / "postgres") as server,
        running_simulator(requests_per_minute=0) as simulator,
    ):
        owner = psycopg2_url(server.create_database("warehouse"))
        today = datetime.now(UTC).date()
        nights = (today - timedelta(days=1), today)
        prepared = Home(folder, nights, owner, owner.set(username=READER, password=PASSWORD))
        for night in nights:
            simulator.set_date(night)
            prepared.local(
                "run",
                AIRFLOW_CONN_FLEXERA=json.dumps(simulator.connection()),
                CONF=json.dumps({"snapshot_date": str(night), "source": "api"}),
            )
        engine = sqlalchemy.create_engine(owner, poolclass=NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"create role {READER} login password '{PASSWORD}' in role chargeback_analyst"
            )
        yield prepared
