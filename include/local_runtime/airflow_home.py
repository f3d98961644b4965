"""Airflow's home and environment on this machine."""

from __future__ import annotations

import base64
import json
import os
import secrets
from typing import TYPE_CHECKING

from local_runtime.lease import alone
from local_runtime.places import PROJECT, kept, private_file
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Connections and variables are asked for by name, and change nothing of how Airflow is run.
NAMED = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")
# Where metrics and lineage go is for whoever calls to say; it changes nothing of what is run.
WATCHING = ("AIRFLOW__METRICS__", "AIRFLOW__OPENLINEAGE__")
FOREIGN = (
    "AIRFLOW",
    "_AIRFLOW",
    "PG",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONWARNINGS",
)
SIMPLE_AUTH = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
LOGIN = "admin"
KEYS = {"fernet_key", "jwt_secret", "api_secret_key", "ui_password"}
DAMAGED = (
    "Delete it, and new keys are made; connections that were entered in the UI must then be entered again."
)
MOST_NAMES = 5


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what was set for another Airflow or PostgreSQL.

    Connections and variables stay, and where metrics and lineage go.
    """
    return {
        name: value
        for name, value in environment.items()
        if name.startswith((*NAMED, *WATCHING)) or not name.startswith(FOREIGN)
    }


def told_of_settings(environment: Mapping[str, str]) -> str:
    """A line that names the settings of another Airflow that are left aside; empty where there are none."""
    passed = clean_environment(environment)
    left = sorted(name for name in environment if name.startswith("AIRFLOW") and name not in passed)
    if not left:
        return ""
    more = f" and {len(left) - MOST_NAMES} more" if len(left) > MOST_NAMES else ""
    return (
        f"Left aside, as this Airflow has its own: {', '.join(left[:MOST_NAMES])}{more}. Of the environment it takes "
        f"{', '.join(f'{start}…' for start in (*NAMED, *WATCHING))}"
    )


def airflow_environment(home: Path, metadata_url: str, keys: Mapping[str, str]) -> dict[str, str]:
    """What tells Airflow to run this project's DAGs from `home`, and to stay on this machine."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": keys["fernet_key"],
        "AIRFLOW__CORE__AUTH_MANAGER": SIMPLE_AUTH,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url.replace(
            "postgresql://", "postgresql+psycopg2://", 1
        ),
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        # What a failed task says is longer than a screen is wide.
        "AIRFLOW__API__DEFAULT_WRAP": "True",
        "AIRFLOW__API__SECRET_KEY": keys["api_secret_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt_secret"],
        "SCARF_ANALYTICS": "false",
        "SCARF_NO_ANALYTICS": "true",
        "DO_NOT_TRACK": "1",
    }


def keys_in(folder: Path) -> dict[str, str]:
    """The keys Airflow encrypts and signs with, and the password of its UI; made once for a folder."""
    path = folder / "keys.json"
    with alone(folder / "keys.lock"):
        if not path.exists():
            keys = {
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"),
                "jwt_secret": secrets.token_hex(32),
                "api_secret_key": secrets.token_hex(32),
                "ui_password": secrets.token_urlsafe(12),
            }
            private_file(path, json.dumps(keys))
        found = kept(path, DAMAGED)
        if missing := KEYS - found.keys():
            raise Problem(f"{path} has no {', '.join(sorted(missing))}. {DAMAGED}")
        return found


def use(environment: Mapping[str, str]) -> None:
    """Make an environment this process's own."""
    os.environ.clear()
    os.environ.update(environment)
