"""Many workers read one tenant: together they use its request limit up and never exceed it."""

from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from chargeback.flexera import FlexeraClient
from chargeback.settings import FlexeraSettings
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database
from flexera_simulator.testing import running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from flexera_simulator.testing import RunningSimulator

PROCESSES = multiprocessing.get_context("spawn")
WINDOW_SECONDS = 3.0
LIMIT = 120
REQUESTS_PER_MINUTE = round(LIMIT * 60 / WINDOW_SECONDS)


def read_licenses(connection: dict[str, Any], warehouse_url: str, license_ids: list[str]) -> None:
    """Read these licenses as a task does, in a process of its own."""
    settings = FlexeraSettings.from_connection(
        connection["login"], connection["password"], connection["extra"]
    )
    database = Database.connect(warehouse_url)
    budget = RequestBudget(
        database.raw_connection, settings.budget_id, REQUESTS_PER_MINUTE, window_seconds=WINDOW_SECONDS
    )
    with requests.Session() as session:
        client = FlexeraClient.over(session, settings, budget)
        for license_id in license_ids:
            for _ in client.consumption_pages(license_id):
                pass


class ForeignBurst(threading.Thread):
    """Another integration of the organization, which asks for much at once when ours has asked `after` times."""

    def __init__(self, limited: RunningSimulator, *, after: int, count: int) -> None:
        super().__init__()
        self._limited = limited
        self._after = after
        self._count = count
        self.statuses: list[int] = []

    def run(self) -> None:
        with requests.Session() as session:
            form = {
                "grant_type": "client_credentials",
                "client_id": "demo-client",
                "client_secret": "demo-secret",
            }
            token = session.post(f"{self._limited.url}/oidc/token", data=form).json()["access_token"]
            while self._limited.api_request_count() < self._after:
                threading.Event().wait(0.01)
            for _ in range(self._count):
                reply = session.get(
                    f"{self._limited.url}/fnms/v1/orgs/12345/licenses/500001/consumption",
                    headers={"Authorization": f"Bearer {token}"},
                )
                self.statuses.append(reply.status_code)


@pytest.fixture
def limited() -> Iterator[RunningSimulator]:
    with running_simulator(
        tenant="load",
        licenses=400,
        rows=400,
        requests_per_minute=LIMIT,
        window_seconds=WINDOW_SECONDS,
    ) as running:
        yield running


def start(limited: RunningSimulator, warehouse_url: str, workers: int) -> list[Any]:
    ids = [str(500_001 + number) for number in range(400)]
    connection = limited.connection()
    processes = [
        PROCESSES.Process(target=read_licenses, args=(connection, warehouse_url, ids[number::workers]))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    return processes


def finish(processes: list[Any]) -> None:
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_eight_workers_are_never_refused_for_their_own_pace(
    limited: RunningSimulator, warehouse_url: str
) -> None:
    finish(start(limited, warehouse_url, 8))

    counters = limited.counters()
    assert limited.api_request_count() == 400
    assert counters["throttled"] == 0
    assert counters["max_accepted_in_window"] <= LIMIT


def test_a_burst_of_another_integration_costs_one_refusal_at_most(
    limited: RunningSimulator, warehouse_url: str
) -> None:
    processes = start(limited, warehouse_url, 8)
    bursts = [ForeignBurst(limited, after=after, count=100) for after in (60, 300)]
    for burst in bursts:
        burst.start()
    finish(processes)
    for burst in bursts:
        burst.join()

    theirs = [status for burst in bursts for status in burst.statuses]
    ours_refused = limited.counters()["throttled"] - theirs.count(429)
    assert 429 in theirs, "the bursts did not use the limit up"
    assert ours_refused <= len(bursts)
    assert limited.api_request_count() == 400 + len(theirs) + ours_refused
