"""A real Airflow: scheduler with its LocalExecutor, DAG processor and API server, as `make up` starts them."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from local_runtime import connections, processes
from local_runtime.airflow_home import LOGIN, airflow_environment, clean_environment, keys_in
from local_runtime.places import PROJECT, private_file
from local_runtime.postgres import free_port
from local_runtime.supervisor import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DAG = "/api/v2/dags/license_chargeback"
HEALTHY_SECONDS = 180.0
RUN_SECONDS = 240.0
# The DAG defers nothing, so nobody misses the triggerer.
PARTS = {name: command for name, command in COMPONENTS.items() if name != "triggerer"}
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
        self._running: list[int] = []
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def url(self) -> str:
        return self._environment["AIRFLOW__API__BASE_URL"]

    def connect(self, overrides: Mapping[str, Any]) -> None:
        """Let a secrets backend give these connections instead of the environment's."""
        private_file(self.connections_file, json.dumps(overrides))

    def start(self) -> None:
        """Migrate the metadata database, start every part, wait until all are healthy and the DAG is there."""
        command = [sys.executable, "-m", "local_runtime.metadata"]
        migrating = processes.start(command, self.logs / "migrate.log", self._environment, on_leash=True)
        assert migrating.wait() == 0, (self.logs / "migrate.log").read_text()
        for name, arguments in PARTS.items():
            command = [sys.executable, "-m", "airflow", *arguments]
            part = processes.start(command, self.logs / f"{name}.log", self._environment)
            self._running.append(part.pid)
        self._wait(self._is_healthy, HEALTHY_SECONDS, "Airflow is not healthy")

    def stop(self) -> None:
        """End every part; there is nothing that could be lost."""
        for leader in reversed(self._running):
            processes.stop(leader, str(self.folder), 1.0)

    def run(self, **conf: object) -> dict[str, list[str]]:
        """One run of the nightly DAG to its end; the states of its tasks, by their ids."""
        run = self._call("POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": conf})
        path = f"{DAG}/dagRuns/{quote(run['dag_run_id'])}"
        self._wait(
            lambda: self._call("GET", path)["state"] in ("success", "failed"),
            RUN_SECONDS,
            "The run did not end",
        )
        states: dict[str, list[str]] = {}
        for task in self._call("GET", f"{path}/taskInstances?limit=100")["task_instances"]:
            states.setdefault(task["task_id"], []).append(task["state"])
        return states

    def _environment_with(self, named: Mapping[str, str]) -> dict[str, str]:
        for folder in (self.home, self.folder / "dags"):
            folder.mkdir()
        _impatient_dag(self.folder / "dags")
        self.connect({})
        passwords = self.folder / "passwords.json"
        private_file(passwords, json.dumps({LOGIN: self.keys["ui_password"]}))
        port = str(free_port())
        theirs = clean_environment(os.environ)
        return {
            **{name: value for name, value in theirs.items() if not name.startswith("AIRFLOW_CONN_")},
            **airflow_environment(self.home, self.metadata_url, self.keys),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
            "AIRFLOW__API__PORT": port,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(
                {"connections_file_path": str(self.connections_file)}
            ),
            **QUICK,
            **named,
            processes.MARK: str(self.folder),
        }

    def _is_healthy(self) -> bool:
        try:
            health = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
            parts = ("metadatabase", "scheduler", "dag_processor")
            is_well = all((health.get(part) or {}).get("status") == "healthy" for part in parts)
            return is_well and not self._call("GET", DAG)["is_stale"]
        except (requests.RequestException, ValueError):
            return False

    def _call(self, method: str, path: str, body: object = None) -> Any:
        if "Authorization" not in self._session.headers:
            login = {"username": LOGIN, "password": self.keys["ui_password"]}
            answer = self._session.post(f"{self.url}/auth/token", json=login, timeout=30)
            self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        answer = self._session.request(method, self.url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    @staticmethod
    def _wait(is_so: Any, seconds: float, complaint: str) -> None:
        give_up_at = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < give_up_at, f"{complaint} after {seconds:.0f} s"
            time.sleep(0.2)


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
