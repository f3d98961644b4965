"""How much of the request limit many workers use together."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any

from bench_world import ORG_ID
from measure import Measure, Ratio

from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from bench_world import BenchWorld

WORKERS = 8
REQUESTS = 400
REQUESTS_PER_MINUTE = 1_200
PROCESSES = multiprocessing.get_context("spawn")


def share_of_the_limit(world: BenchWorld) -> Ratio:
    """Requests sent over requests allowed in the time from the first to the last, by eight processes."""
    requests = max(REQUESTS // world.scale, WORKERS)
    url = world.warehouse().url.render_as_string(hide_password=False)
    starts, ends = PROCESSES.Barrier(WORKERS + 1), PROCESSES.Queue()
    workers = [
        PROCESSES.Process(target=_spend, args=(url, requests // WORKERS, starts, ends))
        for _ in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    starts.wait()
    started_at = time.time()
    last = max(ends.get() for _ in workers)
    for worker in workers:
        worker.join()
    allowed = (last - started_at) * REQUESTS_PER_MINUTE / 60
    return Ratio(
        requests / allowed, f"{requests} requests by {WORKERS} processes, {allowed:.0f} allowed meanwhile"
    )


def _spend(warehouse_url: str, count: int, starts: Any, ends: Any) -> None:
    budget = RequestBudget(Database.connect(warehouse_url).raw_connection, ORG_ID, REQUESTS_PER_MINUTE)
    starts.wait()
    for _ in range(count):
        budget.take()
    ends.put(time.time())


MEASURES = [Measure("budget_use", ">= 0.97", share_of_the_limit)]
