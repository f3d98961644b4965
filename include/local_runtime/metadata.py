"""Airflow's metadata database: made and migrated when needed, with the pool the DAG asks for."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from local_runtime import processes
from local_runtime.places import LOGS
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

POOL = "flexera_api"
POOL_SLOTS = 4
POOL_MEANING = "Licenses that may be read from Flexera One at once; they share one request budget"

STAMP = f"migrated by Airflow {version('apache-airflow')}"
_COMMENT = "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"


def is_current(url: str) -> bool:
    """Whether a database was migrated by exactly this Airflow; the database itself remembers."""
    return bool(_execute(url, sql.SQL(_COMMENT)) == STAMP)


def migrate(url: str, environment: Mapping[str, str]) -> None:
    """Bring a database to this Airflow's schema."""
    log = LOGS / "migrate.log"
    child = processes.start([sys.executable, "-m", "local_runtime.metadata"], log, environment, on_leash=True)
    try:
        exit_code = child.wait()
    finally:
        child.kill()
    if exit_code != 0:
        raise Problem(f"Airflow's metadata database could not be migrated; the reason is at the end of {log}")
    name = sql.Identifier(url.rpartition("/")[2])
    _execute(url, sql.SQL("comment on database {} is {}").format(name, sql.Literal(STAMP)))


def main() -> None:
    """The part that needs Airflow, in a process of its own."""
    from airflow.models.pool import Pool
    from airflow.utils.db import upgradedb

    processes.end_with_parent()
    upgradedb()
    if Pool.get_pool(POOL) is None:
        Pool.create_or_update_pool(POOL, POOL_SLOTS, POOL_MEANING, include_deferred=False)


def _execute(url: str, statement: sql.Composable) -> Any:
    """Run one statement; its first value if it has one."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]
    finally:
        connection.close()


if __name__ == "__main__":
    main()
