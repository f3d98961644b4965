"""This machine: Python, the packages, room on its disk."""

from __future__ import annotations

import platform
import shutil
import tempfile
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from chargeback.doctor.findings import Finding, listed, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PROJECT = "license-chargeback"
GIBIBYTE = 1024**3

_LEAST_FREE_BYTES = GIBIBYTE
_COMFORTABLE_BYTES = 5 * GIBIBYTE
_INSTALL = "Delete .local/venv and run the make command again, or build the image anew"


def python(version: str | None = None) -> Finding:
    """Whether this Python is one that the project supports."""
    version = version or platform.python_version()
    supported = metadata.metadata(PROJECT)["Requires-Python"]
    if SpecifierSet(supported).contains(version, prereleases=True):
        return ok("python", f"Python {version} (supported: {supported})")
    return problem(
        "python",
        f"Python {version} is not supported ({supported})",
        "Name another: PYTHON=/path/to/python3.12",
    )


def packages(lock: Path, installed: Mapping[str, str] | None = None) -> Finding:
    """Whether what is installed (version by name) is what the lock file says, or at least what we ask for."""
    have = _installed() if installed is None else installed
    wanted = _asked_for()
    if unfit := [
        f"{each.name} {have.get(canonicalize_name(each.name), 'missing')}"
        for each in wanted
        if not _fits(each, have)
    ]:
        return problem("packages", f"Not what the project asks for: {listed(unfit)}", _INSTALL)
    if not lock.exists():
        return ok(
            "packages",
            f"{len(wanted)} direct packages fit; there is no {lock.name} to compare the others with",
        )
    pins = _pins(lock)
    missing = [name for name in pins if name not in have]
    if missing:
        return problem("packages", f"Missing of {lock.name}: {listed(missing)}", _INSTALL)
    others = [f"{name} {have[name]} instead of {pin}" for name, pin in pins.items() if have[name] != pin]
    if others:
        return warning("packages", f"Not as in {lock.name}: {listed(others)}", _INSTALL)
    return ok("packages", f"{len(pins)} packages exactly as in {lock.name}")


def folder(path: Path) -> Finding:
    """Whether files can be written where Airflow keeps its own."""
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"?")
    except OSError as error:
        return problem(
            "folder",
            f"{path} cannot be written to ({error.strerror})",
            "Give it to the user who runs the commands",
        )
    return ok("folder", f"{path} can be written to")


def disk(
    path: Path, least_bytes: int = _LEAST_FREE_BYTES, comfortable_bytes: int = _COMFORTABLE_BYTES
) -> Finding:
    """Whether there is room for logs, and for the warehouse where it lies on this machine."""
    free = shutil.disk_usage(path).free
    found = f"{free / GIBIBYTE:.1f} GiB free at {path}"
    advice = "Make room: delete old files of its logs folder, and see docs/production.md, Keep it small"
    if free < least_bytes:
        return problem("disk", found, advice)
    return ok("disk", found) if free >= comfortable_bytes else warning("disk", found, advice)


def _installed() -> dict[str, str]:
    """Version by name; what an installation that broke off left without metadata is not there."""
    whole = (each for each in metadata.distributions() if any(map(each.read_text, ("METADATA", "PKG-INFO"))))
    return {canonicalize_name(each.name): each.version for each in whole}


def _asked_for() -> list[Requirement]:
    """The direct packages of this project that this machine needs."""
    return _needed_here(metadata.requires(PROJECT) or [])


def _needed_here(lines: Iterable[str]) -> list[Requirement]:
    parsed = map(Requirement, lines)
    return [each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})]


def _fits(requirement: Requirement, have: Mapping[str, str]) -> bool:
    version = have.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _pins(lock: Path) -> dict[str, str]:
    """The versions in a lock file that hold for this machine, by name."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    pins = [line.removesuffix("\\").strip() for line in lines if line[:1].isalnum()]
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in _needed_here(pins)
    }
