"""The Dockerfile: what it copies is there, what it runs works, what it installs is what the tests ran with."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

import pytest
from compose_file import ENVIRONMENT, PROJECT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
KEPT = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE)
UV = [sys.executable, "-I", ROOT / "include" / "local_runtime" / "install.py", "uv"]


def copied() -> dict[str, str]:
    """What is copied into the image: source to destination."""
    copies = {}
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, flags=re.MULTILINE):
        *sources, destination = [word for word in line.split() if not word.startswith("--")]
        copies |= dict.fromkeys(sources, destination)
    return copies


def uv_steps() -> list[list[str]]:
    """The uv commands of the Dockerfile, without the program."""
    return [shlex.split(line) for line in re.findall(r"^RUN uv (.+)$", DOCKERFILE, flags=re.MULTILINE)]


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", sorted(copied()))
def test_what_is_copied_is_there_and_reaches_the_build(name: str) -> None:
    assert (ROOT / name).exists()
    assert name in KEPT


def test_nothing_reaches_the_build_that_is_not_copied() -> None:
    assert set(KEPT) == set(copied())


@pytest.mark.parametrize("name", ["AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER"])
def test_the_folders_airflow_reads_are_copied_into_the_image(name: str) -> None:
    folder = ENVIRONMENT[name].removeprefix(f"{PROJECT}/")

    assert copied()[folder] == ENVIRONMENT[name]


def test_the_image_is_of_the_airflow_that_is_locked() -> None:
    [version] = re.findall(
        r"^ARG AIRFLOW_IMAGE=apache/airflow:([\d.]+)-python3\.12\nFROM \$\{AIRFLOW_IMAGE\}$",
        DOCKERFILE,
        flags=re.MULTILINE,
    )

    assert f"\napache-airflow=={version} " in LOCK


def test_the_packages_are_installed_by_their_hashes_and_by_the_user_airflow() -> None:
    [packages, project] = uv_steps()
    users = re.findall(r"^USER (\w+)$", DOCKERFILE.partition("RUN uv")[0], flags=re.MULTILINE)

    assert "--require-hashes" in packages
    assert "--no-deps" in project
    assert users[-1] == "airflow"


def test_the_code_is_roots_and_its_user_may_only_read_it(tmp_path: Path) -> None:
    """What the last steps do, on a copy of one folder that group and others may write."""
    _, _, last = DOCKERFILE.rpartition("USER root\n")
    command, _, user = last.partition("USER ")
    code = tmp_path / "dags"
    shutil.copytree(ROOT / "dags", code)
    for path in code.rglob("*"):
        path.chmod(0o777)
    script = (
        command.removeprefix("RUN ").replace("\\\n", " ").replace("root:0", f"{os.geteuid()}:{os.getegid()}")
    )
    assert run(["sh", "-c", script.replace(PROJECT, str(code))]).returncode == 0

    assert user == "airflow\n"
    assert f"chown --recursive root:0 {PROJECT}" in command
    assert {path.stat().st_mode & 0o022 for path in (code, *code.rglob("*"))} == {0}
    assert all(path.stat().st_mode & 0o004 for path in code.rglob("*"))


def test_the_lock_installs_and_is_what_these_tests_run_with(tmp_path: Path) -> None:
    [packages, _] = uv_steps()
    arguments = [str(ROOT / "requirements.lock") if word.startswith(PROJECT) else word for word in packages]
    done = run([*UV, *arguments, "--dry-run", "--python", sys.executable])

    assert done.returncode == 0, done.stderr
    assert not re.search(r"^ \+ ", done.stderr, flags=re.MULTILINE), done.stderr


def test_the_project_installs_from_what_is_copied_and_registers_its_connection_type(tmp_path: Path) -> None:
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / "project" / name, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            (tmp_path / "project").mkdir(exist_ok=True)
            shutil.copy(source, tmp_path / "project" / name)
    [_, project] = uv_steps()
    arguments = [str(tmp_path / "project") if word == PROJECT else word for word in project]
    done = run([*UV, *arguments, "--offline", "--python", sys.executable, "--target", tmp_path / "site"])

    assert done.returncode == 0, done.stderr
    [metadata] = (tmp_path / "site").glob("license_chargeback-*.dist-info")
    [entry_point] = Distribution.at(metadata).entry_points.select(group="apache_airflow_provider")
    assert entry_point.value == "chargeback.provider:get_provider_info"
