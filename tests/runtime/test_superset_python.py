"""The Python that Superset gets: not every one that Airflow runs on will do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from local_runtime.problem import Problem
from local_runtime.superset import python_for

if TYPE_CHECKING:
    from pathlib import Path


def launcher(folder: Path, name: str, answer: str) -> None:
    """A program on the search path, which PATH then ends at."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)


def test_where_ours_is_too_new_another_python_of_the_machine_is_taken(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    launcher(tmp_path, "python3.12", "exit 127  # as pyenv answers for a version that is not switched on")
    launcher(tmp_path, "python3.11", f'exec "{sys.executable}" "$@"')

    assert python_for(13) == sys.executable


def test_where_none_fits_it_is_said_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Problem, match=r"install Python 3\.12 or 3\.11"):
        python_for(13)
