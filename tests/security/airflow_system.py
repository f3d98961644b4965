"""A real Airflow: scheduler with its LocalExecutor, DAG processor and API server, as `make up` starts them."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_parts import AirflowParts
from airflow_place import api_of, environment_in, migrate

from local_runtime import connections
from local_runtime.airflow_home import keys_in
from local_runtime.places import PROJECT, private_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

RUN_SECONDS = 240.0
# Everything there is to log is logged, and nobody waits.
QUICK = {
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "3600",
}


class AirflowSystem:
    """What runs, and Airflow's REST API in front of it."""

    def __init__(self, folder: Path, metadata_url: str, named: Mapping[str, str]) -> None:
        self.folder = folder
        self.home = folder / "airflow"
        self.logs = folder / "logs"
        self.metadata_url = metadata_url
        self.connections_file = folder / "connections.json"
        self.keys = keys_in(folder)
        self._environment = self._environment_with(named)
        self._parts = AirflowParts(self._environment, self.logs)
        self._api = api_of(folder, self._environment)

    @property
    def url(self) -> str:
        return self._environment["AIRFLOW__API__BASE_URL"]

    def connect(self, overrides: Mapping[str, Any]) -> None:
        """Let a secrets backend give these connections instead of the environment's."""
        private_file(self.connections_file, json.dumps(overrides))

    def start(self) -> None:
        """Migrate the metadata database, start every part, wait until all are healthy and the DAG is there."""
        migrate(self._environment, self.logs / "migrate.log")
        self._parts.start()
        self._api.wait_until_healthy()

    def stop(self) -> None:
        """End every part; there is nothing that could be lost."""
        self._parts.stop()

    def run(self, **conf: object) -> dict[str, list[str]]:
        """One run of the nightly DAG to its end; the states of its tasks, by their ids."""
        run_id = self._api.trigger(conf)
        give_up_at = time.monotonic() + RUN_SECONDS
        while self._api.state(run_id) not in ("success", "failed"):
            assert time.monotonic() < give_up_at, f"The run did not end after {RUN_SECONDS:.0f} s"
            time.sleep(0.2)
        states: dict[str, list[str]] = {}
        for task in self._api.tasks(run_id):
            states.setdefault(task.task_id, []).append(str(task.state))
        return states

    def _environment_with(self, named: Mapping[str, str]) -> dict[str, str]:
        (self.folder / "dags").mkdir()
        _impatient_dag(self.folder / "dags")
        self.connect({})
        settings = {
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(
                {"connections_file_path": str(self.connections_file)}
            ),
            **QUICK,
            **named,
        }
        return environment_in(self.folder, self.metadata_url, settings)


@contextmanager
def airflow_system(
    folder: Path, metadata_url: str, flexera: Mapping[str, Any], warehouse_url: str
) -> Iterator[AirflowSystem]:
    """Run it in a folder of its own, with its connections in the environment."""
    named = {
        connections.FLEXERA: json.dumps(flexera),
        connections.WAREHOUSE: connections.postgres_connection(warehouse_url),
    }
    system = AirflowSystem(folder, metadata_url, named)
    try:
        system.start()
        yield system
    finally:
        system.stop()


def _impatient_dag(folder: Path) -> None:
    """The nightly DAG, but a task that fails is not tried again a minute later: the night ends as it would end."""
    patient = (PROJECT / "dags" / "license_chargeback.py").read_text(encoding="utf-8")
    impatient = patient.replace('"retries": 3', '"retries": 0')
    assert impatient != patient
    (folder / "license_chargeback.py").write_text(impatient, encoding="utf-8")
