"""How fast `bi` answers when 400 nights of 50,000 charges are published: the ten questions of include/bi_queries,
and that of a BI model that joins all ten dimensions.

An analyst's session asks them, on a server with the embedded one's own settings. Each is asked of a warehouse with a
tenth of the nights in turn, about the same dates, so that both must give the same answer.
"""

from __future__ import annotations

import shutil
import statistics
import time
from contextlib import closing
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg2
from bench_world import expect
from many_nights import LAST_DATE, fill
from measure import Measure, Ratio

from asked_queries import QUERIES, query, whole_star
from chargeback.warehouse import migrations
from chargeback.warehouse.database import Database
from local_runtime.postgres import PostgresServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_world import BenchWorld

DATES = 400
TIMES = 10
ROWS = 50_000
REPEATS = 9
LIMIT_SECONDS = 0.3
MODEL = "whole_star"
ASKING = [*QUERIES, MODEL]
LONGER_LIMITS = {MODEL: 1.0}
WITHOUT_LIMIT = {"full_export"}
# To fill 20 GB quickly; none of these is read by a query.
FILLING = {"fsync": "off", "wal_level": "minimal", "max_wal_senders": "0"}
MONTH = LAST_DATE.replace(day=1)
ASKED: dict[str, dict[str, object]] = {
    "cluster_split": {"month": MONTH, "cluster_name": "cluster-0"},
    "cost_center_statement": {"month": MONTH, "cost_center": "Division 1/Department 1"},
    "device_search": {"month": MONTH, "text": "srv12"},
    "full_export": {"snapshot_date": LAST_DATE},
    "license_position": {"month": MONTH},
    "month_on_month_by_license_type": {"month": MONTH, "cost_center": None},
    "this_month_by_cost_center": {"month": MONTH, "parent_path": "Division 1"},
    "top_movers": {"month": MONTH},
    "unallocated": {"month": MONTH},
    "vm_history": {"device_id": "device-1-0", "from_date": LAST_DATE, "to_date": LAST_DATE},
}


class Figures(NamedTuple):
    """How long one question takes: of few nights, of many, and, of a history, over all of many."""

    few: float
    many: float
    longest: float


@cache
def figures(world: BenchWorld) -> dict[str, Figures]:
    """The median seconds of every question, warm."""
    return measured(world, DATES, world.rows(ROWS))


def measured(world: BenchWorld, dates: int, rows: int) -> dict[str, Figures]:
    """The same for any size; the warehouses are gone afterwards."""
    folder = world.folder / "bi_nights"
    try:
        with PostgresServer(folder, FILLING, port=free_port()) as server:
            urls = [_filled(server, "few", dates // TIMES, rows), _filled(server, "many", dates, rows)]
            with closing(_analyst(urls[0])) as few, closing(_analyst(urls[1])) as many:
                return {name: _figures(few, many, name, dates) for name in ASKING}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _filled(server: PostgresServer, name: str, dates: int, rows: int) -> str:
    url = server.create_database(name)
    for_python = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    migrations.upgrade(for_python)
    fill(Database.connect(for_python), dates, rows)
    return url


def _analyst(url: str) -> Any:
    session = psycopg2.connect(url)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("set role chargeback_analyst")
    return session


def _figures(few: Any, many: Any, name: str, dates: int) -> Figures:
    asked = ASKED.get(name, {})
    if "from_date" in asked:
        asked = asked | {"from_date": LAST_DATE - timedelta(days=dates // TIMES - 1)}
    text = whole_star(LAST_DATE) if name == MODEL else query(name, **asked)
    answers = [sorted(map(str, _ask(session, text))) for session in (few, many)]
    expect(answers[0] == answers[1], True, f"{name} is answered alike")
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        for session, found in zip((few, many), seconds, strict=True):
            found.append(_seconds(session, text))
    longest = seconds[1]
    if "from_date" in asked:
        whole = query(name, **asked | {"from_date": LAST_DATE - timedelta(days=dates)})
        longest = [_seconds(many, whole) for _ in range(REPEATS + 1)][1:]
    return Figures(statistics.median(seconds[0]), statistics.median(seconds[1]), statistics.median(longest))


def _ask(session: Any, text: str) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(text)
        return list(cursor.fetchall())


def _seconds(session: Any, text: str) -> float:
    started_at = time.perf_counter()
    _ask(session, text)
    return time.perf_counter() - started_at


def _against_limit(name: str) -> Callable[[BenchWorld], Ratio]:
    def run(world: BenchWorld) -> Ratio:
        seconds = figures(world)[name].longest
        limit = LONGER_LIMITS.get(name, LIMIT_SECONDS)
        told = f"{seconds * 1000:.0f} ms of {limit * 1000:.0f} ms"
        return Ratio(seconds / limit, f"{told}, {DATES} nights of {world.rows(ROWS):,} charges")

    return run


def _against_few(name: str) -> Callable[[BenchWorld], Ratio]:
    def run(world: BenchWorld) -> Ratio:
        few, many, _ = figures(world)[name]
        return Ratio(
            many / few, f"{many * 1000:.1f} ms with {DATES} nights, {few * 1000:.1f} ms with {DATES // TIMES}"
        )

    return run


MEASURES = [
    *(Measure(f"bi_{name}", "<= 1", _against_limit(name)) for name in ASKING if name not in WITHOUT_LIMIT),
    *(Measure(f"bi_ten_times_the_nights_{name}", "<= 1.5", _against_few(name)) for name in ASKING),
]
