"""A program on the port of the UI is known for another one, and named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from local_runtime import ports, processes, supervisor
from local_runtime.problem import Problem

LISTEN = """
import socket, sys
listening = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(listening.getsockname()[1], flush=True)
sys.stdin.read()
"""


def has(address: str) -> bool:
    """True where this machine has the address; not every one has IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, 0), family=family).close()
    except OSError:
        return False
    return True


ADDRESSES = [each for each in ("127.0.0.1", "0.0.0.0", "::1", "::") if has(each)]  # noqa: S104


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_program_is_found_on_every_address_of_localhost(address: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())

        [found] = ports.strangers(port)
        assert found.pid == other.pid
        assert str(found).endswith(f", process {other.pid}")
        assert ports.strangers(port, [other.pid]) == []
        other.communicate()


def test_nobody_is_found_on_a_free_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert [found.pid for found in ports.strangers(port)] == [os.getpid()]

    assert ports.strangers(port) == []


def test_a_server_of_somebody_else_is_never_taken_for_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processes.MARK, str(supervisor.LOCAL))
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as ours,
    ):
        started = supervisor.Up("", {**dict.fromkeys(supervisor.COMPONENTS, ours.pid)})
        port = other.getsockname()[1]
        try:
            with pytest.raises(
                Problem, match=rf"port {port} \(.*, process {os.getpid()}\).*run make up again"
            ):
                supervisor._wait_until_healthy(started, port, supervisor.PARTS)
        finally:
            ours.kill()
