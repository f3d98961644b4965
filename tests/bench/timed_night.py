"""One night of a tenant, every step as its task does it, and how long each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench_world import expect, open_load, seconds_of, value

from chargeback.methods import Catalog
from chargeback.steps import build, checks, derive, extract, flatten, loads, publish

if TYPE_CHECKING:
    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database


def timed_night(
    world: BenchWorld, database: Database, *, licenses: int, rows: int, page_size: int
) -> tuple[dict[str, float], int]:
    """The seconds of each step, from an empty warehouse to the published snapshot, and how many requests it took."""
    tenant = world.simulator(licenses=licenses, rows=rows, page_size=page_size)
    with tenant as url, world.client(database, url) as client:
        load_id = open_load(database)
        batches = extract.list_licenses(client, database, world.field_map, load_id, licenses)
        license_ids = [license_id for batch in batches for license_id in batch["license_ids"]]
        arguments = (client, database, world.field_map, load_id, license_ids)
        seconds = {"extract": seconds_of(extract.consumption, *arguments)}
        requests = client.request_count
    load = loads.for_writing(database, load_id)
    seconds["check_staging"] = seconds_of(checks.check_staging, database, load)
    seconds["flatten"] = seconds_of(flatten.flatten, database, world.field_map, load)
    seconds["build_levels"] = seconds_of(build.build, database, load, "intermediate")
    seconds["derive"] = seconds_of(derive.derive, database, Catalog.read(), load)
    seconds["build_star"] = seconds_of(build.build, database, load, "mart")
    seconds["check_star"] = seconds_of(checks.check, database, load, "mart")
    seconds["publish"] = seconds_of(publish.publish, database, load_id)
    expect(value(database, "select row_count from bi.snapshot"), rows, "rows published")
    return seconds, requests
