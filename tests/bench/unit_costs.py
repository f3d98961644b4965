"""What a row, a license and a load cost, and whether that foretells a tenant of another size.

Three tenants of different shapes give three figures per layer and so its bytes per load, license and row. A fourth,
larger one is then foretold: the ratio says by how much its warehouse is larger or smaller than that. `make sizing`
reckons with these figures; where they changed: cp .local/unit_costs.json include/config/unit_costs.json
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench_world import value
from measure import Measure, Ratio
from timed_night import timed_night

from local_runtime.places import LOCAL

if TYPE_CHECKING:
    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database

PAGE_SIZE = 500
FEWEST, FEW_LICENSES, MANY_LICENSES = (20, 4_000), (20, 40_000), (200, 40_000)
FORETOLD = (100, 120_000)
FILE = LOCAL / "unit_costs.json"
# Of a schema: what its tables take, the parts of long values that lie elsewhere included, and their indexes.
SIZES = """
select
    case when relname like 'dim!_%' escape '!' then 'dimensions' else nspname end as layer,
    sum(pg_table_size(pg_class.oid))::bigint as tables,
    sum(pg_indexes_size(pg_class.oid))::bigint as indexes
from pg_catalog.pg_class
inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
where relkind = 'r' and nspname in ('staging', 'intermediate', 'mart', 'ops')
group by layer
"""


@dataclass(frozen=True)
class Night:
    """What one night of a tenant took."""

    licenses: int
    rows: int
    requests: int
    body_bytes: int
    seconds: dict[str, float]
    sizes: dict[str, int]  # such as 'mart tables', in bytes, more than in an empty warehouse


def night(world: BenchWorld, licenses: int, rows: int) -> Night:
    """One night of a tenant in a warehouse of its own, every step as its task does it."""
    database = world.warehouse()
    empty = _sizes(database)
    seconds, requests = timed_night(world, database, licenses=licenses, rows=rows, page_size=PAGE_SIZE)
    sizes = {name: size - empty.get(name, 0) for name, size in _sizes(database).items()}
    body_bytes = int(value(database, "select sum(octet_length(body)) from staging.consumption_pages"))
    return Night(licenses, rows, requests, body_bytes, seconds, sizes)


def foretold(world: BenchWorld) -> Ratio:
    """The larger of measured over foretold bytes and its inverse, for a tenant of another size and shape."""
    fewest, few, many, larger = (
        night(world, *_scaled(world, shape)) for shape in (FEWEST, FEW_LICENSES, MANY_LICENSES, FORETOLD)
    )
    costs = {name: _solved(name, fewest, few, many) for name in sorted(fewest.sizes)}
    reckoned = sum(
        each["per_load"] + each["per_license"] * larger.licenses + each["per_row"] * larger.rows
        for each in costs.values()
    )
    measured = sum(larger.sizes.values())
    _write(costs, larger, _task_megabytes(world))
    return Ratio(
        max(measured / reckoned, reckoned / measured),
        f"{measured / 1e6:,.1f} MB for {larger.licenses:,} licenses and {larger.rows:,} rows, "
        f"{reckoned / 1e6:,.1f} MB foretold; {measured / larger.rows:,.0f} bytes a row",
    )


def _scaled(world: BenchWorld, shape: tuple[int, int]) -> tuple[int, int]:
    licenses, rows = shape
    return licenses, max(world.rows(rows), licenses * 5)


def _solved(name: str, fewest: Night, few: Night, many: Night) -> dict[str, float]:
    """Bytes per load, license and row of one layer, from three nights that differ in one thing each."""
    per_row = (few.sizes[name] - fewest.sizes[name]) / max(few.rows - fewest.rows, 1)
    same_rows = many.sizes[name] - few.sizes[name] - per_row * (many.rows - few.rows)
    per_license = max(same_rows / (many.licenses - few.licenses), 0.0)
    per_load = max(fewest.sizes[name] - per_row * fewest.rows - per_license * fewest.licenses, 0.0)
    return {
        "per_load": round(per_load),
        "per_license": round(per_license),
        "per_row": round(per_row, 1),
    }


def _write(costs: dict[str, dict[str, float]], larger: Night, task_megabytes: float) -> None:
    found = {
        "bytes": costs,
        "body_bytes_per_row": round(larger.body_bytes / larger.rows),
        "rows_per_second": {
            step: round(larger.rows / seconds, -2)
            for step, seconds in larger.seconds.items()
            if step != "publish"
        },
        "requests": {
            "licenses": larger.licenses,
            "rows": larger.rows,
            "page_size": PAGE_SIZE,
            "sent": larger.requests,
        },
        "task_megabytes": round(task_megabytes),
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _sizes(database: Database) -> dict[str, int]:
    """Bytes of each layer's tables and indexes, by 'layer tables' and 'layer indexes'."""
    with closing(database.raw_connection()) as driver, driver.cursor() as cursor:
        cursor.execute(SIZES)
        return {
            f"{layer} {part}": size
            for layer, tables, indexes in cursor.fetchall()
            for part, size in (("tables", tables), ("indexes", indexes))
        }


def _task_megabytes(world: BenchWorld) -> float:
    """Peak memory of a process that reads a license, without Airflow around it."""
    url = world.warehouse().url.render_as_string(hide_password=False)
    with world.pages(world.rows(40_000), PAGE_SIZE) as api_url:
        command = [sys.executable, str(Path(__file__).with_name("one_extract.py")), url, api_url]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[1]) / 1024


MEASURES = [Measure("unit_costs_foretell", "<= 1.1", foretold)]
