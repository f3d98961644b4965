"""How much longer each stage of the night takes for ten times the rows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bench_world import open_load, seconds_of
from measure import Measure, Ratio

from chargeback.steps import build, checks, extract, flatten, loads, publish
from flexera_simulator.testing import running_simulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_world import BenchWorld

ROWS = 30_000
TIMES = 10
LICENSES = 20
STAGES = ("extract", "check_staging", "flatten", "build_levels", "build_star", "check_star", "publish")


@cache
def _seconds(world: BenchWorld, rows: int) -> dict[str, float]:
    """How long each stage takes on a tenant of so many rows."""
    database = world.warehouse()
    with (
        running_simulator(
            tenant="load", licenses=LICENSES, rows=rows, requests_per_minute=0, page_size=1_000, gzip=False
        ) as simulator,
        world.client(database, simulator.url) as client,
    ):
        load_id = open_load(database)
        batches = extract.list_licenses(client, database, world.field_map, load_id, 1_000)
        license_ids = [license_id for batch in batches for license_id in batch["license_ids"]]
        seconds = {
            "extract": seconds_of(
                extract.consumption, client, database, world.field_map, load_id, license_ids
            )
        }
    load = loads.for_writing(database, load_id)
    seconds["check_staging"] = seconds_of(checks.check_staging, database, load)
    seconds["flatten"] = seconds_of(flatten.flatten, database, world.field_map, load)
    seconds["build_levels"] = seconds_of(build.build, database, load, "intermediate")
    seconds["build_star"] = seconds_of(build.build, database, load, "mart")
    seconds["check_star"] = seconds_of(checks.check, database, load, "mart")
    seconds["publish"] = seconds_of(publish.publish, database, load_id)
    return seconds


def _ten_times(stage: str) -> Callable[[BenchWorld], Ratio]:
    def run(world: BenchWorld) -> Ratio:
        rows = world.rows(ROWS)
        few, many = _seconds(world, rows)[stage], _seconds(world, rows * TIMES)[stage]
        return Ratio(many / few, f"{many:.2f} s for {rows * TIMES:,} rows, {few:.2f} s for {rows:,}")

    return run


MEASURES = [Measure(f"linear_{stage}", "<= 11", _ten_times(stage)) for stage in STAGES]
