"""How much longer each stage of the night takes for ten times the rows.

The tenant grows in rows; its licenses stay as many. Each stage runs once unmeasured on a tenth of the rows, so that
what only the first night pays (imports, plans) is in neither figure, and the smaller size is measured three times.
"""

from __future__ import annotations

import statistics
from functools import cache
from typing import TYPE_CHECKING

from measure import Measure, Ratio
from timed_night import timed_night

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_world import BenchWorld

ROWS = 30_000
TIMES = 10
LICENSES = 20
PAGE_SIZE = 1_000
REPEATS = 3
STAGES = (
    "extract_consumption",
    "check_staging",
    "flatten",
    "build_levels",
    "derive",
    "build_star",
    "check_star",
    "publish",
)


@cache
def _few(world: BenchWorld) -> dict[str, float]:
    """The median time of each stage on the smaller tenant."""
    rows = world.rows(ROWS)
    night(world, max(rows // TIMES, LICENSES))
    nights = [night(world, rows) for _ in range(REPEATS)]
    return {stage: statistics.median(each[stage] for each in nights) for stage in STAGES}


@cache
def _many(world: BenchWorld) -> dict[str, float]:
    """The time of each stage on the larger tenant."""
    return night(world, world.rows(ROWS) * TIMES)


def night(world: BenchWorld, rows: int) -> dict[str, float]:
    """How long each stage takes on a tenant of so many rows, in a warehouse of its own."""
    return timed_night(world, world.warehouse(), licenses=LICENSES, rows=rows, page_size=PAGE_SIZE)


def _ten_times(stage: str) -> Callable[[BenchWorld], Ratio]:
    def run(world: BenchWorld) -> Ratio:
        rows, few, many = world.rows(ROWS), _few(world)[stage], _many(world)[stage]
        return Ratio(many / few, f"{many:.2f} s for {rows * TIMES:,} rows, {few:.2f} s for {rows:,}")

    return run


MEASURES = [Measure(f"linear_{stage}", "<= 11", _ten_times(stage)) for stage in STAGES]
