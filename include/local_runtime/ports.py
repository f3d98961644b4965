"""Who listens on a port of this machine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"
# 127.0.0.1, ::1 and the addresses that stand for all: what `localhost` may lead to, as the kernel writes them.
_LOCAL = ("0100007F", "00000000", "0" * 24 + "01000000", "0" * 32, "0" * 16 + "FFFF0000" + "0100007F")


@dataclass(frozen=True)
class Listener:
    """A socket that takes connections for `localhost`, and the process that has it where this user may see it."""

    socket: str
    pid: int | None = None
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name}, process {self.pid}" if self.pid else "of another user"


def strangers(port: int, ours: Collection[int] = ()) -> list[Listener]:
    """Those who listen on a port and are none of our processes; nobody where the machine does not tell."""
    owners = _owners(set(_sockets(port)))
    return [
        Listener(socket, *min(found, default=(None, "")))
        for socket, found in owners.items()
        if not {pid for pid, _ in found} & set(ours)
    ]


def _sockets(port: int) -> Iterator[str]:
    for table in _TABLES:
        if not table.exists():
            continue
        for row in table.read_text(encoding="ascii").splitlines()[1:]:
            fields = row.split()
            address, _, its_port = fields[1].rpartition(":")
            if int(its_port, 16) == port and fields[3] == _LISTENS and address in _LOCAL:
                yield f"socket:[{fields[9]}]"


def _owners(sockets: set[str]) -> dict[str, list[tuple[int, str]]]:
    """By socket, the processes that have it open: several where it was inherited."""
    owners: dict[str, list[tuple[int, str]]] = {socket: [] for socket in sockets}
    for process in Path("/proc").iterdir() if sockets else ():
        if process.name.isdecimal():
            for socket in _open_in(process) & sockets:
                owners[socket].append((int(process.name), _name(process)))
    return owners


def _open_in(process: Path) -> set[str]:
    """The files of a process; of one that has ended, or that is of another user, none."""
    found = set()
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                found.add(str(descriptor.readlink()))
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
