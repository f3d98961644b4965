"""A copy of the project with an embedded warehouse of its own, in which nights are published."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from datetime import date

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("dags", "plugins", "include", "Makefile", "pyproject.toml", "requirements.txt")
READER, PASSWORD = "maria", "reads-bi-only"


@dataclass
class Home:
    """The copy, and its warehouse as its owner (`owner`) and as an analyst (`reader`) reach it."""

    folder: Path
    nights: tuple[date, date]
    owner: URL
    reader: URL

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "CI") if name in os.environ}
        pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
        return {**kept, **pip, "PYTHONPATH": str(self.folder / "include"), **more}

    def command(self, name: str) -> list[str]:
        """What `make NAME` runs once the set-up is done."""
        return [sys.executable, "-m", "local_runtime", name]

    def local(self, name: str, given: str = "", **more: str) -> str:
        """Run a command of the Makefile to its end; returns what it printed."""
        done = subprocess.run(
            self.command(name),
            cwd=self.folder,
            env=self.environment(**more),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def value(self, statement: str, **parameters: Any) -> Any:
        """One figure, as the owner of the warehouse sees it."""
        engine = sqlalchemy.create_engine(self.owner, poolclass=NullPool)
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text(statement), parameters).scalar_one()


def copied_project(folder: Path) -> None:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)


def psycopg2_url(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg2")
