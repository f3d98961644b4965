"""A client of a scripted server, with a clock that moves only when something waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from client_world import Clock, OpenBudget, World
from scripted_server import scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    """A scripted server and what a client of it needs."""
    with scripted_server() as server, requests.Session() as session:
        clock = Clock()
        yield World(server, clock, OpenBudget(clock), session)
