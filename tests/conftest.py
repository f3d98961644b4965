"""What tests share: one PostgreSQL, fresh warehouses on it, an Airflow home, the simulator.

Airflow reads its home and database when it is first imported, so both are named before pytest imports any
test. The server itself starts with the first test that asks for it. TEST_POSTGRES_URL names a server to use
instead; its user must be allowed to create databases.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from chargeback.warehouse import migrations
from flexera_simulator.testing import RunningSimulator, running_simulator
from local_runtime.airflow_home import NAMED, airflow_environment, clean_environment, use
from local_runtime.postgres import PostgresServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

# Tests need no durability: a machine that stops takes the test run with it.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
# Two plans of one query that a test compares must come of the same statistics.
STEADY = {"autovacuum": "off"}
SECRETS = {
    "fernet_key": "dGVzdHMtZW5jcnlwdC1ub3RoaW5nLW9mLXZhbHVlISE=",
    "jwt_secret": "tests-sign-nothing-of-value-with-this-secret-1",
    "api_secret_key": "tests-sign-nothing-of-value-with-this-secret-2",
}
WORKPLACE = pytest.StashKey[tempfile.TemporaryDirectory]()
SERVER = pytest.StashKey[PostgresServer | None]()
FILE = pytest.StashKey[Path]()
LONGEST_FILE = timedelta(minutes=15)  # far more than any file of tests takes


def pytest_configure(config: pytest.Config) -> None:
    """Name Airflow's home and database before anything imports Airflow."""
    folder = config.stash[WORKPLACE] = tempfile.TemporaryDirectory(prefix="chargeback-tests-")
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        config.stash[SERVER] = None
        metadata = make_url(given).set(database=f"airflow_test_{uuid.uuid4().hex}")
        metadata_url = metadata.set(drivername="postgresql").render_as_string(hide_password=False)
    else:
        server = config.stash[SERVER] = PostgresServer(
            Path(folder.name) / "postgres", FAST | STEADY, port=free_port()
        )
        metadata_url = server.planned_url("airflow")
    home = Path(folder.name) / "airflow"
    use(
        {name: value for name, value in clean_environment(os.environ).items() if not name.startswith(NAMED)}
        | airflow_environment(home, metadata_url, SECRETS)
        | {"AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING", "AIRFLOW__CORE__UNIT_TEST_MODE": "False"}
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the time limit of the test begins
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have the tests of a file share a date in UTC: near the end of a day, a file waits for the next.

    The API knows the present only, so that a night of before midnight is one of the past after it.
    """
    if item.config.stash.get(FILE, None) != item.path:
        item.config.stash[FILE] = item.path
        started_on = datetime.now(UTC).date()
        if (datetime.now(UTC) + LONGEST_FILE).date() > started_on:
            item.config.get_terminal_writer().line("waiting for midnight (UTC)")
            while datetime.now(UTC).date() == started_on:
                time.sleep(1)
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running and nothing behind."""
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.release()
    if WORKPLACE in config.stash:
        config.stash[WORKPLACE].cleanup()


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The address of the suite's PostgreSQL and its superuser, or what TEST_POSTGRES_URL says."""
    server = request.config.stash[SERVER]
    if server is None:
        return os.environ["TEST_POSTGRES_URL"]
    server.start()
    return server.url()


@pytest.fixture(scope="session")
def on_server(postgres_url: str) -> Callable[[str], None]:
    """Run one statement on the server, outside a transaction."""
    url = make_url(postgres_url).set(drivername="postgresql+psycopg2")
    engine = sqlalchemy.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def run(statement: str) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    return run


@pytest.fixture(scope="session")
def warehouse_template(postgres_url: str, on_server: Callable[[str], None]) -> Iterator[str]:
    """The name of a database with the newest schema, to be copied and never written to."""
    name = f"warehouse_template_{uuid.uuid4().hex}"
    on_server(f"create database {name} template template0")
    migrations.upgrade(_url_of(postgres_url, name))
    yield name
    on_server(f"drop database {name} with (force)")


@pytest.fixture
def warehouse_url(
    postgres_url: str, warehouse_template: str, on_server: Callable[[str], None]
) -> Iterator[str]:
    """A fresh warehouse with the newest schema, for one test."""
    yield from _copy(postgres_url, warehouse_template, on_server)


@pytest.fixture(scope="module")
def module_warehouse_url(
    postgres_url: str, warehouse_template: str, on_server: Callable[[str], None]
) -> Iterator[str]:
    """A fresh warehouse with the newest schema, for the tests of one file."""
    yield from _copy(postgres_url, warehouse_template, on_server)


@pytest.fixture(scope="session")
def airflow_metadata(request: pytest.FixtureRequest, on_server: Callable[[str], None]) -> Iterator[str]:
    """Airflow's metadata database, migrated, with the DAG's pool; the environment names it already."""
    url = make_url(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    on_server(f'create database "{url.database}"')
    for command in (["db", "migrate"], ["pools", "set", "flexera_api", "4", "Requests to Flexera One"]):
        done = subprocess.run([sys.executable, "-m", "airflow", *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    yield url.render_as_string(hide_password=False)
    if request.config.stash[SERVER] is None:
        on_server(f'drop database "{url.database}" with (force)')


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """A Flexera One with the demo tenant that does not slow callers down, for the tests of one file."""
    with running_simulator(requests_per_minute=0) as running:
        yield running


def _copy(postgres_url: str, template: str, on_server: Callable[[str], None]) -> Iterator[str]:
    name = f"warehouse_{uuid.uuid4().hex}"
    on_server(f"create database {name} template {template} strategy file_copy")
    yield _url_of(postgres_url, name)
    on_server(f"drop database {name} with (force)")


def _url_of(postgres_url: str, database: str) -> str:
    url = make_url(postgres_url).set(drivername="postgresql+psycopg2", database=database)
    return url.render_as_string(hide_password=False)
