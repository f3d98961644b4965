"""What the doctor says of this machine."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from chargeback.doctor import machine

LOCK = Path(__file__).resolve().parents[2] / "requirements-dev.lock"


def test_this_python_is_one_that_is_supported() -> None:
    assert machine.python().level == "ok"


@pytest.mark.parametrize("version", ["3.10.14", "3.14.0"])
def test_a_python_that_is_too_old_or_too_new_is_told(version: str) -> None:
    found = machine.python(version)

    assert found.level == "problem"
    assert version in found.found


def test_the_packages_here_are_those_of_the_lock() -> None:
    assert machine.packages(LOCK).level == "ok"


def test_without_a_lock_the_direct_packages_are_looked_at(tmp_path: Path) -> None:
    found = machine.packages(tmp_path / "requirements.lock")

    assert found.level == "ok"
    assert "no requirements.lock" in found.found


def installed() -> dict[str, str]:
    return {canonicalize_name(each.name): each.version for each in metadata.distributions()}


def test_a_package_of_another_version_than_locked_is_told() -> None:
    found = machine.packages(LOCK, installed() | {"click": "0.1"})

    assert found.level == "warning"
    assert "click 0.1 instead of" in found.found


def test_a_direct_package_that_does_not_fit_is_a_problem() -> None:
    found = machine.packages(LOCK, installed() | {"celery": "5.7.0"})

    assert found.level == "problem"
    assert "celery 5.7.0" in found.found


def test_a_package_that_is_missing_is_a_problem() -> None:
    here = installed()
    del here["alembic"]

    assert "alembic missing" in machine.packages(LOCK, here).found


def test_a_package_of_the_lock_that_is_missing_is_a_problem() -> None:
    here = installed()
    del here["click"]
    found = machine.packages(LOCK, here)

    assert (found.level, found.found) == ("problem", f"Missing of {LOCK.name}: click")


def test_what_an_installation_that_broke_off_left_is_not_taken_for_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "click-0.1.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    assert machine.packages(LOCK).level == "ok"


def test_a_folder_that_can_be_written_to(tmp_path: Path) -> None:
    assert machine.folder(tmp_path).level == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/proc", "/no/such/folder"])
def test_a_folder_that_cannot_be_written_to_is_a_problem(path: str) -> None:
    assert machine.folder(Path(path)).level == "problem"


@pytest.mark.parametrize(
    ("least", "comfortable", "level"), [(0, 0, "ok"), (0, 2**60, "warning"), (2**60, 2**60, "problem")]
)
def test_a_disk_is_judged_by_what_is_free_on_it(
    tmp_path: Path, least: int, comfortable: int, level: str
) -> None:
    found = machine.disk(tmp_path, least, comfortable)

    assert found.level == level
    assert "GiB free" in found.found
