"""What an operator does in Airflow, by its REST API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

NIGHTLY = "license_chargeback"
HEALTHY_SECONDS = 180.0
UNFINISHED_BUSINESS = ("failed", "upstream_failed", "up_for_retry")


class NotAnswering(Exception):  # noqa: N818 - the name says what happened
    """Airflow cannot be asked at this moment."""


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task of a run as the grid shows it."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int

    @property
    def marker(self) -> object:
        """How a request names it."""
        return self.task_id if self.map_index < 0 else [self.task_id, self.map_index]

    def __str__(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


class AirflowApi:
    """Airflow and one of its DAGs, as an administrator sees them."""

    def __init__(self, url: str, login: str, password: str, dag_id: str = NIGHTLY) -> None:
        self.url = url
        self._dag = f"/api/v2/dags/{dag_id}"
        self._login = {"username": login, "password": password}
        self._token = ""

    def wait_until_healthy(self) -> None:
        """Wait for every part, and for the DAG to be there."""
        give_up_at = time.monotonic() + HEALTHY_SECONDS
        while not self._is_healthy():
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"Airflow at {self.url} is not healthy after {HEALTHY_SECONDS:.0f} s")
            time.sleep(0.2)

    def trigger(self, conf: dict[str, Any]) -> str:
        """Trigger the DAG; returns the id of the run."""
        answer = self._call("POST", f"{self._dag}/dagRuns", {"logical_date": None, "conf": conf})
        return str(answer["dag_run_id"])

    def state(self, run_id: str) -> str:
        return str(self._call("GET", f"{self._dag}/dagRuns/{quote(run_id)}")["state"])

    def mark_failed(self, run_id: str) -> None:
        """Give a run up, so that another one may start."""
        self._call("PATCH", f"{self._dag}/dagRuns/{quote(run_id)}", {"state": "failed"})

    def tasks(self, run_id: str) -> list[TaskSeen]:
        answer = self._call("GET", f"{self._dag}/dagRuns/{quote(run_id)}/taskInstances?limit=100")
        return [
            TaskSeen(task["task_id"], task["map_index"], task["state"], task["try_number"])
            for task in answer["task_instances"]
        ]

    def log(self, run_id: str, task_id: str, try_number: int = 1) -> str:
        """The log of a task, a line for each event, with where it was read from."""
        path = f"{self._dag}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/logs/{try_number}"
        lines = self._call("GET", f"{path}?full_content=true")["content"]
        return "\n".join(f"{line['event']} {line.get('sources', '')}" for line in lines)

    def keep_connection(self, conn_id: str, connection: str) -> None:
        """Keep a connection, given as JSON, in Airflow's database."""
        fields = json.loads(connection)
        body = {**fields, "connection_id": conn_id, "extra": json.dumps(fields["extra"])}
        self._call("POST", "/api/v2/connections", body)

    def is_healthy(self, part: str) -> bool:
        """True for a part of Airflow that reports health."""
        health = _request("GET", f"{self.url}/api/v2/monitor/health")
        return bool(health[part]["status"] == "healthy")

    def clear(self, run_id: str, tasks: list[TaskSeen]) -> None:
        """Run these tasks again, and those after them."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task.marker for task in tasks],
            "include_downstream": True,
            "only_failed": False,
        }
        self._call("POST", f"{self._dag}/clearTaskInstances", body)

    def _is_healthy(self) -> bool:
        try:
            health = _request("GET", f"{self.url}/api/v2/monitor/health")
            parts = ("metadatabase", "scheduler", "dag_processor")
            is_well = all((health.get(part) or {}).get("status") == "healthy" for part in parts)
            return is_well and not self._call("GET", self._dag)["is_stale"]
        except NotAnswering:
            return False

    def _call(self, method: str, path: str, body: object = None) -> Any:
        if not self._token:
            self._token = _request("POST", f"{self.url}/auth/token", self._login)["access_token"]
        return _request(method, self.url + path, body, {"Authorization": f"Bearer {self._token}"})


def _request(method: str, url: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})  # noqa: S310
    request.method = method
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")[:500]
        raise NotAnswering(f"{method} {url}: {error.code} {text}") from None
    except (OSError, ValueError) as error:
        raise NotAnswering(f"{method} {url}: {error}") from None
