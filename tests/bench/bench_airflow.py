"""A real Airflow for measures: the services of `make up`, in a home and with a metadata database of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from airflow_parts import AirflowParts
from airflow_place import api_of, environment_in, migrate
from bench_world import ORG_ID, expect

from local_runtime.connections import postgres_connection
from local_runtime.places import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database

SCHEDULE = 'schedule=CronTriggerTimetable("0 4 * * *", timezone="UTC"),'
PARSED_SECONDS = 180.0
RUN_SECONDS = 3_600.0
MAPPED = """
select count(*), extract(epoch from max(end_date) - min(start_date))::float8
from task_instance
where dag_id = %(dag_id)s and task_id = %(task_id)s and map_index >= 0 and state = 'success'
"""


@dataclass(frozen=True)
class BenchAirflow:
    """Services that run, and where they keep what they know."""

    environment: dict[str, str]
    metadata_url: str

    def run(self, dag_id: str) -> None:
        """Trigger a DAG and wait until its run has succeeded."""
        _until(lambda: bool(self._rows("select 1 from serialized_dag where dag_id = %(id)s", id=dag_id)))
        self._command("dags", "trigger", dag_id, "--run-id", "bench")
        state = "select state from dag_run where dag_id = %(id)s and state in ('success', 'failed')"
        _until(lambda: bool(self._rows(state, id=dag_id)), RUN_SECONDS)
        expect([("success",)], self._rows(state, id=dag_id), f"state of {dag_id}")

    def succeeded(self, dag_id: str, task_id: str) -> tuple[int, float]:
        """The mapped instances of a task that succeeded, and the seconds from the first start to the last end."""
        count, seconds = self._rows(MAPPED, dag_id=dag_id, task_id=task_id)[0]
        return int(count), float(seconds)

    def _command(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def _rows(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(self.metadata_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall()
        finally:
            connection.close()


@contextmanager
def running_airflow(
    world: BenchWorld, database: Database, flexera_url: str, mapped_tasks: int
) -> Iterator[BenchAirflow]:
    """The services, with the nightly DAG on these connections and the DAGs of this folder."""
    folder = world.folder / "system"
    folder.mkdir()
    _write_dags(folder / "dags")
    metadata_url = world.server.create_database("airflow")
    settings = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW_CONN_FLEXERA": json.dumps(_flexera_connection(flexera_url)),
        "AIRFLOW_CONN_WAREHOUSE": postgres_connection(_plain_url(database)),
        "BENCH_MAPPED_TASKS": str(mapped_tasks),
    }
    environment = environment_in(folder, metadata_url, settings)
    migrate(environment, folder / "logs" / "migrate.log")
    parts = AirflowParts(environment, folder / "logs")
    try:
        parts.start()
        api_of(folder, environment).wait_until_healthy()
        yield BenchAirflow(environment, metadata_url)
    finally:
        parts.stop()


def _write_dags(folder: Path) -> None:
    """The DAGs of this folder, and the nightly one without its schedule, which would start a run of its own."""
    shutil.copytree(Path(__file__).with_name("dags"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    nightly = (PROJECT / "dags" / "license_chargeback.py").read_text(encoding="utf-8")
    if SCHEDULE not in nightly:
        raise ValueError(f"the nightly DAG does not say {SCHEDULE!r} any more")
    (folder / "license_chargeback.py").write_text(
        nightly.replace(SCHEDULE, "schedule=None,"), encoding="utf-8"
    )


def _flexera_connection(url: str) -> dict[str, object]:
    extra = {"org_id": ORG_ID, "api_url": url, "token_url": f"{url}/oidc/token", "requests_per_minute": 0}
    return {"conn_type": "flexera", "login": "demo-client", "password": "demo-secret", "extra": extra}


def _plain_url(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _until(is_done: object, seconds: float = PARSED_SECONDS) -> None:
    give_up_at = time.monotonic() + seconds
    while not is_done():  # type: ignore[operator]
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        time.sleep(0.5)
