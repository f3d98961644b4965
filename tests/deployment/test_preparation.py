"""The script of service `init`, run for real: what it leaves behind, and that it may run again."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from compose_file import ENVIRONMENT, PROJECT, ROOT, SERVICES, resolved, secret_names
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from chargeback.warehouse import migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOGIN = "nightly"
SECRETS = dict.fromkeys(secret_names(), "only-for-tests") | {
    "AIRFLOW_FERNET_KEY": "dGVzdHMtZW5jcnlwdC1ub3RoaW5nLW9mLXZhbHVlISE=",
}


@pytest.fixture(scope="module")
def databases(postgres_url: str, on_server: Callable[[str], None]) -> Iterator[dict[str, URL]]:
    """An empty database each for Airflow and the warehouse."""
    names = {name: f"{name}_{uuid.uuid4().hex}" for name in ("metadata", "warehouse")}
    for name in names.values():
        on_server(f"create database {name}")
    url = make_url(postgres_url).set(drivername="postgresql+psycopg2")
    yield {name: url.set(database=database) for name, database in names.items()}
    for name in names.values():
        on_server(f"drop database {name} with (force)")
    on_server(f"drop role if exists {LOGIN}")


@pytest.fixture(scope="module")
def prepare(
    databases: dict[str, URL], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the script as service `init` does, on these databases."""
    addresses = {name: url.render_as_string(hide_password=False) for name, url in databases.items()}
    environment = resolved(SERVICES["init"]["environment"], SECRETS) | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": addresses["metadata"],
        "AIRFLOW_CONN_WAREHOUSE": addresses["warehouse"].replace("postgresql+psycopg2:", "postgres:"),
    }
    environment |= {
        name: value.replace(PROJECT, str(ROOT)) for name, value in environment.items() if name in ENVIRONMENT
    }
    script = ROOT / SERVICES["init"]["command"][-1].removeprefix(f"{PROJECT}/")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", script],
            env={"PATH": path, "HOME": environment["AIRFLOW_HOME"], **environment, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def scalar(url: URL, statement: str) -> object:
    with sqlalchemy.create_engine(url, poolclass=NullPool).connect() as connection:
        return connection.exec_driver_sql(statement).scalar_one()


def execute_on(url: URL, statement: str) -> None:
    with sqlalchemy.create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(statement)


def test_it_prepares_both_databases_and_changes_nothing_when_it_runs_again(
    databases: dict[str, URL], prepare: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    for _ in range(2):
        done = prepare()

        assert done.returncode == 0, done.stdout + done.stderr
        assert migrations.is_current(databases["warehouse"])
        slots = "select slots from slot_pool where pool = 'flexera_api'"
        assert scalar(databases["metadata"], slots) == 4
        assert scalar(databases["metadata"], "select count(*) from ab_user where username = 'admin'") == 1


def test_the_login_of_the_tasks_is_a_loader_and_has_the_password_of_now(
    databases: dict[str, URL], prepare: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    owner = databases["warehouse"]
    tasks = owner.set(username=LOGIN, password=SECRETS["WAREHOUSE_JOB_PASSWORD"])
    execute_on(owner, f"drop role if exists {LOGIN}")
    execute_on(owner, f"create role {LOGIN} login password 'of-before'")
    assert prepare().returncode == 0

    assert scalar(tasks, "select count(*) from ops.loads") == 0
    assert (
        scalar(
            tasks,
            "select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user",
        )
        is False
    )
    for forbidden in ("drop table ops.loads", "create schema of_mine", "select * from ops.access_grants"):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            execute_on(tasks, forbidden)


def test_a_warehouse_of_ones_own_gets_no_login(
    databases: dict[str, URL], prepare: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    execute_on(databases["warehouse"], f"drop role if exists {LOGIN}")

    assert prepare(WAREHOUSE_OF_TASKS="postgres://a@b/c").returncode == 0

    assert scalar(databases["warehouse"], f"select count(*) from pg_roles where rolname = '{LOGIN}'") == 0
