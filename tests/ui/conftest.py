"""The whole system as `make up` starts it, from a copy of the project, and a browser in front of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        run = self.call("POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": conf})
        path = f"{DAG}/dagRuns/{urllib.parse.quote(run['dag_run_id'])}"
        return str(wait_until(lambda: self.call("GET", path), lambda seen: seen["state"])["state"])

    def runs(self, run_type: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"{DAG}/dagRuns?run_type={run_type}&order_by=run_after")["dag_runs"])


def wait_until(look: Any, state_of: Any, seconds: float = 240) -> Any:
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


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The system under a folder of its own: what it makes there is not mixed with the project's."""
    home = tmp_path_factory.mktemp("project")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, home / part)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(home / "include")}

    def local(command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "local_runtime", command],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    try:
        said = local("up")
        [url] = re.findall(r"Airflow UI: (\S+)", said)
        [password] = re.findall(r"password: (\S+)", said)
        [simulator_url] = re.findall(r"simulator at (http://127\.0\.0\.1:\d+)", said)
        yield RunningSystem(url, password, simulator_url)
    finally:
        local("down")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI must have Chromium: apt-get install chromium"
        pytest.skip("no Chromium; Debian, Ubuntu: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def page(browser: Any, system: RunningSystem) -> Any:
    """A page that is signed in."""
    signed_in = browser.new_page(viewport={"width": 1440, "height": 900})
    signed_in.goto(system.url)
    signed_in.fill("input[name=username]", "admin")
    signed_in.fill("input[name=password]", system.password)
    signed_in.keyboard.press("Enter")
    signed_in.get_by_role("link", name="Dags").first.wait_for()
    return signed_in


@pytest.fixture
def picture(page: Any) -> Any:
    """Takes the README's pictures where SCREENSHOTS names a folder; otherwise does nothing."""

    def take(name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            page.wait_for_timeout(1000)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take
