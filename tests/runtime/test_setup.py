"""The decisions of the set-up: when it has work to do, and where packages come from."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from local_runtime import install

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "include/superset_dashboard/requirements.lock")
OF_ONE_FILE = {  # each publishes a single wheel for all, or its source only
    "certifi",
    "odfpy",
    "openlineage-integration-common",
    "openlineage-python",
    "redshift-connector",
    "wtforms-json",
}


@pytest.fixture
def project(tmp_path) -> Path:
    """The files that an environment depends on, in a folder of their own."""
    for name in (install.LOCK, "pyproject.toml", "include/local_runtime/install.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def test_an_environment_is_made_once_for_the_same_lock_project_and_python(project) -> None:
    assert install.stamp(project, "3.11.7", "/usr") == install.stamp(project, "3.11.7", "/usr")


@pytest.mark.parametrize("name", [install.LOCK, "pyproject.toml"])
def test_a_changed_lock_or_project_file_makes_it_anew(project, name) -> None:
    before = install.stamp(project, "3.11.7", "/usr")
    with (project / name).open("a") as file:
        file.write("\n# changed\n")

    assert install.stamp(project, "3.11.7", "/usr") != before


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_lists_the_files_for_every_python_not_only_for_the_one_it_was_made_with(name) -> None:
    entries = re.findall(
        r"^(\S+)==.*\n((?:    --hash=.*\n)+)", (PROJECT / name).read_text(), flags=re.MULTILINE
    )

    assert len(entries) > 50
    assert {package for package, hashes in entries if hashes.count("--hash=") == 1} <= OF_ONE_FILE


def test_another_python_or_another_folder_makes_it_anew(project) -> None:
    before = install.stamp(project, "3.11.7", "/usr")

    assert install.stamp(project, "3.12.1", "/usr") != before
    assert install.stamp(project, "3.11.7", "/opt") != before
    moved = shutil.copytree(project, project / "moved")
    assert install.stamp(moved, "3.11.7", "/usr") != before


def test_an_environment_whose_set_up_broke_off_is_made_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    venv.create(tmp_path, with_pip=False)
    base = str(tmp_path / "bin" / "python")
    version, prefix = json.loads(subprocess.check_output([base, "-I", "-c", install.PROBE]))
    wanted = install.stamp(PROJECT, version, prefix)
    assert not install.is_to_be_kept(wanted)

    (tmp_path / ".made-for").write_text(wanted)
    assert install.is_to_be_kept(wanted)
    assert install.is_done(wanted)


def test_an_environment_without_its_python_is_not_done(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(install, "VENV", tmp_path)
    (tmp_path / ".made-for").write_text("wanted")

    assert not install.is_done("wanted")


def test_pips_index_is_told_to_uv() -> None:
    listing = (
        "global.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='\\nfile:///opt/a\\nfile:///opt/b'\n"
        ":env:.find-links='/opt/wheels /opt/more'\n"
    )

    found = install.index_settings({}, install.pip_settings(listing))

    assert found["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert found["UV_INDEX"] == "file:///opt/a file:///opt/b"
    assert found["UV_FIND_LINKS"] == "/opt/wheels,/opt/more"


def test_the_environment_wins_over_pips_files_in_any_order() -> None:
    listing = ":env:.index-url='https://env.example'\nglobal.index-url='https://global.example'"

    assert install.pip_settings(listing) == {"index-url": "https://env.example"}


def test_settings_for_uv_itself_win_over_those_for_pip() -> None:
    given = {"UV_DEFAULT_INDEX": "https://uv.example"}

    assert install.index_settings(given, {"index-url": "https://pip.example"}) == {}


def test_no_index_set_to_false_is_no_setting() -> None:
    assert "UV_NO_INDEX" not in install.index_settings({}, {"no-index": "false"})


def test_a_python_that_does_not_fit_is_refused_in_one_line(tmp_path) -> None:
    old = tmp_path / "python 3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = subprocess.run(
        ["sh", PROJECT / "include/local_runtime/setup.sh"],
        env=os.environ | {"PYTHON": str(old)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert "is not a Python 3.11, 3.12 or 3.13" in done.stderr
    assert len(done.stderr.splitlines()) == 1
