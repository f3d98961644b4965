"""What `make up` started, seen through Airflow's REST API."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("dags", "plugins", "include", "Makefile", "pyproject.toml", "requirements.txt")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DAG = "/api/v2/dags/license_chargeback"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass(frozen=True)
class RunningSystem:
    """What `make up` printed, and Airflow's REST API behind it."""

    url: str
    password: str
    simulator_url: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request to Airflow as its administrator."""
        login = {"username": "admin", "password": self.password}
        token = _request("POST", f"{self.url}/auth/token", login)["access_token"]
        return _request(method, self.url + path, body, {"Authorization": f"Bearer {token}"})

    def set_simulator_date(self, day: str) -> None:
        _request("PUT", f"{self.simulator_url}/simulator/date", {"date": day})

    def trigger(self, **conf: object) -> str:
        """Trigger the nightly DAG and wait for its end; returns how it ended."""
        return str(self.run(DAG, **{"allow_partial": True, **conf})["state"])

    def run(self, dag: str, **conf: object) -> dict[str, Any]:
        """Trigger the DAG of this address and wait for its end; returns the run."""
        run = self.call("POST", f"{dag}/dagRuns", {"logical_date": None, "conf": conf})
        path = f"{dag}/dagRuns/{urllib.parse.quote(run['dag_run_id'])}"
        return dict(wait_until(lambda: self.call("GET", path), lambda seen: seen["state"]))

    def is_there(self, dag: str) -> bool:
        """True once Airflow has read the DAG of this address."""
        try:
            return bool(self.call("GET", dag)["is_stale"] is False)
        except urllib.error.HTTPError:
            return False

    def runs(self, run_type: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"{DAG}/dagRuns?run_type={run_type}&order_by=run_after")["dag_runs"])


def wait_until(look: Any, state_of: Any, seconds: float = 600) -> Any:
    """Look again until the state is final; fails the test when that never comes."""
    give_up_at = time.monotonic() + seconds
    while True:
        seen = look()
        if state_of(seen) in ("success", "failed"):
            return seen
        assert time.monotonic() < give_up_at, f"still {state_of(seen)}"
        time.sleep(1)


def _request(method: str, url: str, body: object, headers: dict[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})  # noqa: S310
    request.method = method
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)
