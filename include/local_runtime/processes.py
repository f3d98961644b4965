"""Programs of ours, each in a process group of its own, so that stopping one stops all it started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from local_runtime.places import private_folder, private_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLL_SECONDS = 0.05
MARK = "LICENSE_CHARGEBACK_LOCAL"  # in the environment of all we start: whose processes they are


def start(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    *,
    on_leash: bool = False,
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program whose log and other files only their owner may read.

    `on_leash`: the program (which calls `end_with_parent`) ends when this process does, however it does.
    """
    private_folder(log.parent)
    file = private_log(log)
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE if on_leash else subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=dict(environment),
            cwd=environment["AIRFLOW_HOME"],
            start_new_session=True,
            umask=0o077,  # Airflow makes folders on the way to a log with the mode of the process
            pass_fds=tuple(descriptors),
        )
    finally:
        os.close(file)


def end_with_parent() -> None:
    """End this process and its group when the other end of standard input is gone."""

    def watch() -> None:
        while os.read(0, 65536):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def stop(group: int, home: str, grace_seconds: float) -> None:
    """Ask a group to end, then make it; processes that are not ours are left alone."""
    if not members(group, home):
        return
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
    give_up_at = time.monotonic() + grace_seconds
    while _lives(group) and time.monotonic() < give_up_at:
        time.sleep(POLL_SECONDS)
    while left := members(group, home):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def members(group: int, home: str) -> list[int]:
    """The living processes of a group that were started for `home`.

    A group has a session of its own; tasks of Airflow leave the group and stay in the session.
    """
    if not Path("/proc/self/stat").exists():
        return _members_by_ps(group)
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in found if _session_of(pid) == group and _is_marked(pid, home)]


def _lives(pid: int) -> bool:
    """Whether the leader still runs; one that nobody collected does not."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc/self/stat").exists() or _session_of(pid) is not None


def _session_of(pid: int) -> int | None:
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(session)


def _is_marked(pid: int, home: str) -> bool:
    """By its environment, or by the folder it works in: a title that a program sets may cover the former."""
    process = Path(f"/proc/{pid}")
    try:
        if f"{MARK}={home}".encode() in (process / "environ").read_bytes().split(b"\0"):
            return True
        return (process / "cwd").readlink().is_relative_to(Path(home).resolve())  # .local may be a link
    except OSError:
        return False


def _members_by_ps(group: int) -> list[int]:
    shown = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=False
    )
    rows = (line.split() for line in shown.stdout.splitlines())
    return [int(pid) for pid, its_group, state, *_ in rows if int(its_group) == group and state[0] != "Z"]
