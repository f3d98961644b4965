"""A folder for an Airflow of a test's or a measure's own: its home, its keys, its port, its databases' addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from airflow_api import NIGHTLY, AirflowApi

from local_runtime import processes
from local_runtime.airflow_home import LOGIN, NAMED, airflow_environment, clean_environment, keys_in
from local_runtime.places import private_file
from local_runtime.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def environment_in(folder: Path, metadata_url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """What the parts of an Airflow in this folder are started with: as `make up` starts them, then these settings.

    Connections and variables of the user are left aside. Everything that is started with it can be told by the folder.
    """
    home = folder / "airflow"
    home.mkdir()
    keys = keys_in(folder)
    passwords = folder / "passwords.json"
    private_file(passwords, json.dumps({LOGIN: keys["ui_password"]}))
    port = str(free_port())
    theirs = clean_environment(os.environ)
    return {
        **{name: value for name, value in theirs.items() if not name.startswith(NAMED)},
        **airflow_environment(home, metadata_url, keys),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__WORKERS": "1",
        **settings,
        processes.MARK: str(folder),
    }


def migrate(environment: Mapping[str, str], log: Path) -> None:
    """Bring the metadata database to its schema, with the pool of the DAG."""
    command = [sys.executable, "-m", "local_runtime.metadata"]
    child = processes.start(command, log, environment, on_leash=True)
    if child.wait() != 0:
        raise subprocess.CalledProcessError(child.returncode, command, stderr=log.read_text(encoding="utf-8"))


def api_of(folder: Path, environment: Mapping[str, str], dag_id: str = NIGHTLY) -> AirflowApi:
    """The Airflow in this folder as its administrator sees it."""
    return AirflowApi(environment["AIRFLOW__API__BASE_URL"], LOGIN, keys_in(folder)["ui_password"], dag_id)
