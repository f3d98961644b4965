"""The whole system as `make up` starts it, from a copy of the project, and a browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running_system import CHROMIUM, PARTS, QUIET, ROOT, RunningSystem

if TYPE_CHECKING:
    from collections.abc import Iterator


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
