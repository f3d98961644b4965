"""Set-up of the project's Python environment in `.local/venv`, by the system's Python without packages.

Once done, it does nothing until the lock, the project or the Python changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parents[2]
LOCAL = PROJECT / ".local"
VENV = LOCAL / "venv"
BOOTSTRAP = LOCAL / "bootstrap"
LOCK = "requirements-dev.lock"
BOOTSTRAP_LOCK = Path(__file__).with_name("bootstrap.lock")
# pip's and uv's choices of where a package goes would win over ours.
MISLEADING = (
    *("PIP_TARGET", "PIP_USER", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV"),
    *("CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX"),
)
UV_INDEX = (
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
    "UV_CONFIG_FILE",
)
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
PROBE = "import json, sys; print(json.dumps([sys.version, sys.base_prefix]))"


class InstallError(Exception):
    """The environment cannot be made; the message says what to do."""


def main() -> int:
    """Make the environment unless it is there already; two at once wait for each other.

    `install.py uv ...` runs the project's uv with the user's package index instead.
    """
    if sys.argv[1:2] == ["uv"]:
        uv, environment = _prepared_uv()
        return subprocess.run([*uv, *sys.argv[2:]], env=environment, check=False).returncode
    wanted = stamp(PROJECT, sys.version, sys.base_prefix)
    if is_done(wanted):
        return 0
    try:
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_done(wanted):
                install(wanted)
    except InstallError as error:
        print(f"Set-up failed: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Set-up failed: {error.strerror}: {error.filename or LOCAL}", file=sys.stderr)
        return 1
    return 0


def stamp(project: Path, version: str, prefix: str) -> str:
    """What an environment depends on: the Python, the place, the lock, the project."""
    digest = hashlib.sha256()
    for name in (LOCK, "pyproject.toml", "include/local_runtime/install.py"):
        digest.update((project / name).read_bytes())
    return json.dumps(
        {"python": version, "prefix": prefix, "project": str(project), "files": digest.hexdigest()}
    )


def is_done(wanted: str) -> bool:
    """Whether the environment was made for exactly this, and its Python is still there."""
    return (
        _stamp_file().is_file()
        and _stamp_file().read_text(encoding="utf-8") == wanted
        and (VENV / "bin" / "python").exists()
    )


def install(wanted: str) -> None:
    """The steps, each said in a line; the stamp comes last, so that a broken set-up starts over."""
    is_whole = is_to_be_kept(wanted)
    _stamp_file().unlink(missing_ok=True)
    uv, environment = _prepared_uv()
    if not is_whole:
        say(f"virtual environment on Python {sys.version.split()[0]}")
        _run(
            [*uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, VENV], environment
        )
    say("packages, exactly as locked")
    # The environment is named: uv would otherwise take the one that it runs in itself.
    target = ["--python", str(VENV / "bin" / "python")]
    sync = ["pip", "sync", *target, "--quiet", "--require-hashes", "--compile-bytecode", LOCK]
    _run([*uv, *sync], environment)
    say("this project")
    _run(
        [*uv, "pip", "install", *target, "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."],
        environment,
    )
    _stamp_file().write_text(wanted, encoding="utf-8")


def index_settings(environment: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """pip's package index in uv's words, unless uv was given an index of its own.

    Any index may give any version, as with pip: the hashes of the lock decide what is taken.
    """
    if any(name.startswith(UV_INDEX) for name in environment):
        return {}
    found = {PIP_TO_UV[name]: value for name, value in pip.items() if name in PIP_TO_UV}
    if found.get("UV_NO_INDEX", "").lower() in ("0", "false", "no", "off"):
        del found["UV_NO_INDEX"]
    if "UV_FIND_LINKS" in found:
        found["UV_FIND_LINKS"] = ",".join(found["UV_FIND_LINKS"].split())
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **found}


def pip_settings(listing: str) -> dict[str, str]:
    """What `pip config list` says, the strongest source of each; several values with a space between."""
    ranks = {"global": 0, "user": 1, "site": 2, "install": 3, ":env:": 4}
    best: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, _, quoted = line.partition("=")
        section, _, name = key.partition(".")
        if section in ranks and ranks[section] >= best.get(name, (-1, ""))[0]:
            value = quoted.strip().strip("'\"").replace("\\n", " ")
            best[name] = (ranks[section], " ".join(value.split()))
    return {name: value for name, (_, value) in best.items()}


def say(step: str) -> None:
    """One line for a step, on standard error: standard output belongs to the command."""
    print(f"Set-up: {step}", file=sys.stderr, flush=True)


def _prepared_uv() -> tuple[list[str], dict[str, str]]:
    """The command line of uv, and the environment that sends it to the user's index and our folder."""
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    if not os.access(environment.get("HOME", "/nonexistent"), os.W_OK):
        environment["UV_CACHE_DIR"] = str(LOCAL / "uv-cache")
    uv, pip = _bootstrap(environment)
    environment |= index_settings(environment, _pip_settings(pip, environment))
    environment["VIRTUAL_ENV"] = str(VENV)
    return uv, environment


def _stamp_file() -> Path:
    return VENV / ".made-for"


def is_to_be_kept(wanted: str) -> bool:
    """Whether an environment is only to be brought up to date.

    Without a stamp its set-up broke off, and may have left half of a package, which uv takes for a whole one. Where the
    folder was moved or copied, its programs still point to the old place.
    """
    try:
        project = json.loads(_stamp_file().read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(project == json.loads(wanted)["project"]) and _is_made_of_this_python()


def _is_made_of_this_python() -> bool:
    python = VENV / "bin" / "python"
    if not python.exists():
        return False
    probe = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, text=True, check=False)
    return probe.returncode == 0 and json.loads(probe.stdout) == [sys.version, sys.base_prefix]


def _bootstrap(environment: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The command lines of the pinned uv and of a pip: from a venv, or a bare pip where that is missing."""
    pinned = BOOTSTRAP_LOCK.read_text(encoding="utf-8").split()[0].removeprefix("uv==")
    inside = [str(BOOTSTRAP / "bin" / "python"), "-m"]
    bare = [sys.executable, "-m"]
    target = BOOTSTRAP / "packages"
    for uv, pip in (([*inside, "uv"], [*inside, "pip"]), ([str(target / "bin" / "uv")], [*bare, "pip"])):
        if _output([*uv, "--version"], environment).split()[1:2] == [pinned]:
            return uv, pip
    say(f"uv {pinned}")
    shutil.rmtree(BOOTSTRAP, ignore_errors=True)
    if "UV_DEFAULT_INDEX" in environment:
        environment = {"PIP_INDEX_URL": environment["UV_DEFAULT_INDEX"], **environment}
    options = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        str(BOOTSTRAP_LOCK),
    ]
    if _succeeds([*bare, "venv", str(BOOTSTRAP)], environment):
        _run([*inside, "pip", *options], environment)
        return [*inside, "uv"], [*inside, "pip"]
    shutil.rmtree(BOOTSTRAP, ignore_errors=True)
    if _succeeds([*bare, "pip", "--version"], environment):
        _run([*bare, "pip", *options, "--target", str(target)], environment)
        return [str(target / "bin" / "uv")], [*bare, "pip"]
    raise InstallError(
        f"{sys.executable} has neither venv nor pip. Install them (Debian, Ubuntu: apt-get install "
        "python3-venv), or name another Python: make demo PYTHON=/path/to/python3"
    )


def _pip_settings(pip: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    return pip_settings(_output([*pip, "config", "list"], environment))


def _run(command: list[str | Path], environment: Mapping[str, str]) -> None:
    """A step that must succeed; what it says goes where our own lines go."""
    done = subprocess.run(command, cwd=PROJECT, env=dict(environment), stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise InstallError(
            f"this command ended with {done.returncode}: {shlex.join(map(str, command))}\n"
            "The lines above say why: most often the package index cannot be reached (PIP_INDEX_URL names another), "
            "or the disk is full."
        )


def _succeeds(command: list[str], environment: Mapping[str, str]) -> bool:
    return subprocess.run(command, env=dict(environment), capture_output=True, check=False).returncode == 0


def _output(command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
