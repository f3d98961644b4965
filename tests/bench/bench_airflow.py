"""A real Airflow for measures: the services of `make up`, in a home and with a metadata database of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from bench_world import ORG_ID, expect

from local_runtime import processes
from local_runtime.airflow_home import CONNECTIONS, airflow_environment, clean_environment, keys_in
from local_runtime.connections import postgres_connection
from local_runtime.places import PROJECT
from local_runtime.postgres import free_port
from local_runtime.supervisor import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database

SCHEDULE = 'schedule=CronTriggerTimetable("0 4 * * *", timezone="UTC"),'
SERVICES = ("api-server", "scheduler", "dag-processor")
HEALTHY_SECONDS = 180.0
RUN_SECONDS = 3_600.0
GRACE_SECONDS = 10.0
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
    home, port = world.folder / "airflow", free_port()
    home.mkdir()
    metadata_url = world.server.create_database("airflow")
    environment = _environment(home, metadata_url, port) | {
        "AIRFLOW_CONN_FLEXERA": json.dumps(_flexera_connection(flexera_url)),
        "AIRFLOW_CONN_WAREHOUSE": postgres_connection(_plain_url(database)),
        "BENCH_MAPPED_TASKS": str(mapped_tasks),
    }
    _write_dags(home / "dags")
    _start(home, environment, [sys.executable, "-m", "local_runtime.metadata"], "migrate", leash=True).wait()
    groups = []
    try:
        for name in SERVICES:
            command = [sys.executable, "-m", "airflow", *COMPONENTS[name]]
            groups.append(_start(home, environment, command, name).pid)
        _until(lambda: _is_healthy(port), HEALTHY_SECONDS)
        yield BenchAirflow(environment, metadata_url)
    finally:
        for group in reversed(groups):
            processes.stop(group, str(home), GRACE_SECONDS)


def _environment(home: Path, metadata_url: str, port: int) -> dict[str, str]:
    theirs = {name: value for name, value in clean_environment(os.environ).items() if name not in CONNECTIONS}
    return (
        theirs
        | airflow_environment(home, metadata_url, keys_in(home))
        | {
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            processes.MARK: str(home),
        }
    )


def _write_dags(folder: Path) -> None:
    """The DAGs of this folder, and the nightly one without its schedule, which would start a run of its own."""
    shutil.copytree(Path(__file__).with_name("dags"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    nightly = (PROJECT / "dags" / "license_chargeback.py").read_text(encoding="utf-8")
    if SCHEDULE not in nightly:
        raise ValueError(f"the nightly DAG does not say {SCHEDULE!r} any more")
    (folder / "license_chargeback.py").write_text(
        nightly.replace(SCHEDULE, "schedule=None,"), encoding="utf-8"
    )


def _start(
    home: Path, environment: dict[str, str], command: list[str], name: str, *, leash: bool = False
) -> subprocess.Popen[bytes]:
    return processes.start(command, home / "logs" / f"{name}.log", environment, on_leash=leash)


def _flexera_connection(url: str) -> dict[str, object]:
    extra = {"org_id": ORG_ID, "api_url": url, "token_url": f"{url}/oidc/token", "requests_per_minute": 0}
    return {"conn_type": "flexera", "login": "demo-client", "password": "demo-secret", "extra": extra}


def _plain_url(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    parts = ("metadatabase", "scheduler", "dag_processor")
    return all((health.get(part) or {}).get("status") == "healthy" for part in parts)


def _until(is_done: object, seconds: float = HEALTHY_SECONDS) -> None:
    give_up_at = time.monotonic() + seconds
    while not is_done():  # type: ignore[operator]
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        time.sleep(0.5)
