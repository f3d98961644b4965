"""How fast one large license is read and staged: against dlt, and against a plain COPY of the same bytes."""

from __future__ import annotations

import io
import os
import statistics
from contextlib import closing
from typing import TYPE_CHECKING

import dlt
from bench_world import open_load, seconds_of
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from measure import Measure, Ratio

from chargeback.steps import extract
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database

ROWS = 400_000
PAGE_SIZE = 10_000
REPEATS = 3


def against_dlt(world: BenchWorld) -> Ratio:
    """Our rows per second over those of dlt's REST client and PostgreSQL destination, from the same pages."""
    page_size, pages = _size(world)
    with world.pages(page_size) as url:
        ours = _extract_seconds(world, url, pages)
        theirs = seconds_of(_run_dlt, world, url, pages)
    rows = page_size * pages
    return Ratio(
        theirs / ours, f"{rows / ours:,.0f} rows/s, dlt {rows / theirs:,.0f} rows/s, of {rows:,} rows"
    )


def against_copy(world: BenchWorld) -> Ratio:
    """Our time over that of COPY, which is handed the same bodies from memory, one commit a page as we do."""
    page_size, pages = _size(world)
    with world.pages(page_size) as url:
        ours = _extract_seconds(world, url, pages)
    database = world.warehouse()
    bodies = _bodies(world, page_size, pages)
    copied = statistics.median(
        seconds_of(_copy, database, load_id, bodies) for load_id in range(1, REPEATS + 1)
    )
    return Ratio(
        ours / copied, f"{ours:.2f} s, COPY {copied:.2f} s, of {sum(map(len, bodies)) / 1e6:,.0f} MB"
    )


def _size(world: BenchWorld) -> tuple[int, int]:
    page_size = min(PAGE_SIZE, world.rows(ROWS))
    return page_size, world.rows(ROWS) // page_size


def _extract_seconds(world: BenchWorld, url: str, pages: int) -> float:
    """The median time to read and stage a license of so many pages, as the mapped task does."""
    database = world.warehouse()
    seconds = []
    for _ in range(REPEATS):
        load_id = open_load(database)
        with world.client(database, url) as client:
            arguments = (client, database, world.field_map, load_id, [str(pages)])
            seconds.append(seconds_of(extract.consumption, *arguments))
    return statistics.median(seconds)


def _run_dlt(world: BenchWorld, url: str, pages: int) -> None:
    """The pipeline that dlt's documentation shows for a paginated REST API."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    client = RESTClient(
        base_url=url,
        headers={"Authorization": "Bearer bench"},
        paginator=JSONLinkPaginator(next_url_path="nextPage"),
        data_selector="values",
    )

    @dlt.resource(name="consumption", write_disposition="replace")
    def consumption() -> object:
        yield from client.paginate(f"/fnms/v1/orgs/12345/licenses/{pages}/consumption")

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(world.folder / "dlt"),
        destination=dlt.destinations.postgres(world.server.create_database("dlt")),
        dataset_name="consumption",
    )
    pipeline.run(consumption()).raise_on_failed_jobs()


def _bodies(world: BenchWorld, page_size: int, pages: int) -> list[bytes]:
    """The pages as a client receives them."""
    rows = (world.folder / f"page_{page_size}.json").read_bytes()
    return [rows for _ in range(pages)]


def _copy(database: Database, load_id: int, bodies: list[bytes]) -> None:
    """COPY each body into a table like that of the staged pages."""
    with database.transaction() as connection:
        execute(connection, f"create table copied_{load_id} (like staging.consumption_pages including all)")
    with closing(database.raw_connection()) as driver, driver.cursor() as cursor:
        for number, body in enumerate(bodies, start=1):
            line = b"1\t1\t1\t%d\t1\t%b\n" % (number, _escaped(body))
            cursor.copy_expert(
                f"copy copied_{load_id} (load_id, extraction_id, license_id, page_number, row_count, body) "
                "from stdin",
                io.BytesIO(line),
            )


def _escaped(body: bytes) -> bytes:
    return body.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\r", b"\\r")


MEASURES = [
    Measure("extract_stage_vs_dlt", ">= 10", against_dlt),
    Measure("extract_stage_vs_copy", "<= 2.5", against_copy),
]
