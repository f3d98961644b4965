"""What a person reads when something is wrong on the machine: each time a line that says what, and what to do."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

from local_runtime import run
from local_runtime.airflow_home import clean_environment
from local_runtime.lease import alone
from local_runtime.postgres import PostgresServer
from local_runtime.system import METADATA_OF_UP

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x", "password": "Zt7qLm2x"}


@dataclass(frozen=True)
class Project:
    """A copy of the project with a `.local` of its own."""

    folder: Path

    @property
    def local(self) -> Path:
        return self.folder / ".local"

    def start(self, command: str, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "local_runtime", command, *arguments],
            cwd=self.folder,
            env=clean_environment(os.environ) | {"PYTHONPATH": str(self.folder / "include")} | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """The exit code of a command, and what it said on standard output and on standard error."""
        started = self.start(command, *arguments, **settings)
        output, errors = started.communicate()
        return started.returncode, output, errors

    def refusal(self, command: str, *arguments: str, **settings: str) -> str:
        """The lines in which a command says why it cannot go on."""
        code, _, errors = self.run(command, *arguments, **settings)
        assert code == 1
        assert "Traceback" not in errors
        return errors.strip()

    @contextmanager
    def with_file(self, name: str, text: str | None) -> Iterator[Path]:
        """A file of `.local` with another text, or without the file, as long as the block lasts."""
        path = self.local / name
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if text is None:
            path.unlink()
        else:
            path.write_text(text, encoding="utf-8")
        yield path
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_text(before, encoding="utf-8")


def copy_of_the_project(folder: Path) -> Project:
    for part in ("dags", "plugins", "include"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "requirements-dev.lock"):
        shutil.copy(ROOT / part, folder / part)
    return Project(folder)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """With databases, which a first command makes."""
    made = copy_of_the_project(tmp_path_factory.mktemp("project"))
    code, _, errors = made.run("migrate")
    assert code == 0, errors
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A copy in which nothing was run yet."""
    return copy_of_the_project(tmp_path / "project")


@pytest.mark.parametrize("command", ["run", "up", "doctor"])
def test_a_named_warehouse_without_a_tenant_is_told_before_anything_starts(
    empty: Project, command: str
) -> None:
    told = empty.refusal(command, AIRFLOW_CONN_WAREHOUSE=json.dumps(ELSEWHERE), AIRFLOW_CONN_FLEXERA="")

    assert told.startswith("AIRFLOW_CONN_WAREHOUSE names a warehouse, but AIRFLOW_CONN_FLEXERA is empty: ")
    assert "FLEXERA=simulator" in told
    assert "\n" not in told


def test_all_that_a_command_makes_is_its_owners(project: Project) -> None:
    """Logs, keys, passwords, databases; a folder and a log that an earlier version left open are closed."""
    for name, mode in (("postgres", 0o755), ("postgres/server.log", 0o644)):
        (project.local / name).chmod(mode)
    assert project.run("migrate")[0] == 0
    found = list(project.local.rglob("*"))

    assert {"keys.json", "server.log", "migrate.log", "password"} <= {path.name for path in found}
    assert [path for path in found if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"port": "abc"}, "AIRFLOW_CONN_WAREHOUSE: its port is 'abc', not a number."),
        ({"extra": "{bad"}, "AIRFLOW_CONN_WAREHOUSE: its extra is no JSON object."),
        ({"extra": "[1]"}, "AIRFLOW_CONN_WAREHOUSE: its extra is no JSON object."),
        ({"conn_type": "mysql"}, "AIRFLOW_CONN_WAREHOUSE is of type 'mysql'; it must be"),
        ({}, "The warehouse 127.0.0.1:1/ cannot be used: "),
    ],
)
def test_a_warehouse_that_is_named_wrongly(project: Project, changes: dict[str, str], said: str) -> None:
    told = project.refusal("examples", AIRFLOW_CONN_WAREHOUSE=json.dumps(ELSEWHERE | changes))

    assert told.startswith(said)
    assert len(told.splitlines()) == 1
    assert ELSEWHERE["password"] not in told


def test_a_file_of_examples_that_is_not_there(project: Project) -> None:
    found = project.refusal("examples", "missing.yaml")

    assert found.startswith(f"missing.yaml: No such file or directory in {project.folder}.")


@pytest.mark.parametrize("text", ['{"fernet', "[]", '{"fernet_key": "x"}'])
def test_keys_that_are_damaged(project: Project, text: str) -> None:
    with project.with_file("keys.json", text) as path:
        told = project.refusal("doctor")

    assert told.startswith(str(path))
    assert "Delete it, and new keys are made" in told


@pytest.mark.parametrize("command", ["up", "down"])
@pytest.mark.parametrize("text", ['{"url', "[]", "{}"])
def test_what_make_up_noted_is_damaged(project: Project, command: str, text: str) -> None:
    with project.with_file("up.json", text) as path:
        told = project.refusal(command)

    assert told.startswith(f"{path} is damaged. ")
    assert "delete the file" in told


@pytest.mark.parametrize(
    ("text", "said"), [(None, "is missing"), ("wrong", "is not the password that PostgreSQL there has")]
)
def test_a_password_of_postgresql_that_was_lost(project: Project, text: str | None, said: str) -> None:
    with project.with_file("postgres/password", text) as path:
        told = project.refusal("psql")

    assert told.startswith(f"{path} {said}")
    assert "Put it back from a copy, or delete" in told


def test_files_of_postgresql_that_were_lost(project: Project) -> None:
    control = project.local / "postgres" / "data" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    try:
        told = project.refusal("psql")
    finally:
        control.with_suffix(".away").rename(control)

    assert told.startswith("PostgreSQL did not start")
    assert "pg_control" in told
    assert "what was published there is then lost" in told


def test_a_file_in_the_place_of_local(empty: Project) -> None:
    empty.local.touch()

    assert empty.refusal("down") == f"File exists: {empty.local}. There must be a folder: move the file away."
    set_up = subprocess.run(
        [sys.executable, "-I", "include/local_runtime/install.py"],
        cwd=empty.folder,
        capture_output=True,
        text=True,
    )
    assert (set_up.returncode, set_up.stderr) == (1, f"Set-up failed: File exists: {empty.local}\n")


def test_a_disk_that_is_full(empty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "local_runtime", "down"],
            cwd=empty.folder,
            env=clean_environment(os.environ) | {"PYTHONPATH": str(empty.folder / "include")},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "No space left on device. Free some space, then run it again.",
    )

    assert run.full_disk(empty.folder) is None
    monkeypatch.setattr(run, "LEAST_FREE", 2**70)
    assert "MB are free" in (run.full_disk(empty.folder) or "")


def test_a_package_that_is_missing(project: Project) -> None:
    (project.folder / "include" / "psycopg2.py").write_text("import no_such_package\n")
    try:
        told = project.refusal("psql")
    finally:
        (project.folder / "include" / "psycopg2.py").unlink()

    assert (
        told == "No module named 'no_such_package'. Delete .local/venv, and the next command makes it anew."
    )


def test_a_list_of_organizations_in_the_environment_reaches_the_doctor_and_the_run(project: Project) -> None:
    said = "Variable chargeback_organizations: it is no JSON list of connections."
    settings = {"AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS": "emea", "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}

    for command in ("doctor", "run"):
        code, output, errors = project.run(command, **settings)

        assert code != 0
        assert said in output + errors
        assert errors.startswith("Left aside, as this Airflow has its own: AIRFLOW__CORE__EXECUTOR. ")


def test_the_doctor_looks_at_the_airflow_of_make_up_while_it_is_not_stopped(project: Project) -> None:
    with PostgresServer(project.local / "postgres") as server:
        connection = psycopg2.connect(server.url(METADATA_OF_UP))
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into job (job_type, state, latest_heartbeat) "
                "values ('SchedulerJob', 'running', timestamptz '2026-01-02 03:04Z')"
            )
        connection.close()
    noted = {"url": "http://localhost:8080", "groups": {}}

    code, of_run, _ = project.run("doctor")
    assert "none has run with this database" in of_run
    (project.local / "up.json").write_text(json.dumps(noted), encoding="utf-8")
    try:
        code, of_up, _ = project.run("doctor")
    finally:
        (project.local / "up.json").unlink()

    assert code == 1
    assert "Looking at the Airflow that make up started, at http://localhost:8080\n" in of_up
    assert "the last one gave no sign of life since 2026-01-02 03:04 UTC" in of_up


def test_a_second_run_of_an_organization_says_that_it_waits_for_the_first(project: Project) -> None:
    lock = f"run-{hashlib.sha256(b'12345').hexdigest()[:16]}.lock"
    with alone(project.local / lock):
        waiting = project.start("demo", AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS="emea")
        assert waiting.stdout is not None
        said = []
        for line in waiting.stdout:
            said.append(line)
            if line.startswith("Waiting for another run of organization 12345 to end"):
                break
    waiting.terminate()
    rest, errors = waiting.communicate()

    assert said[-1].startswith("Waiting"), rest + errors
    assert "The demo leaves AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS aside\n" in said
