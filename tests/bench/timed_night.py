"""One night of a tenant, every step as its task does it, and how long each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench_world import expect, open_load, seconds_of, value

from chargeback.methods import Catalog
from chargeback.steps import snapshot

if TYPE_CHECKING:
    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database


def timed_night(
    world: BenchWorld, database: Database, *, licenses: int, rows: int, page_size: int
) -> dict[str, float]:
    """The seconds of each step, from an empty warehouse to the published snapshot."""
    tenant = world.simulator(licenses=licenses, rows=rows, page_size=page_size)
    with tenant as url, world.client(database, url) as client:
        load_id = open_load(database)
        seconds = {
            name: seconds_of(step)
            for name, step in snapshot.steps(client, database, world.field_map, Catalog.read(), load_id)
        }
    expect(value(database, "select row_count from bi.snapshot"), rows, "rows published")
    return seconds
