"""How fast one large license is read and staged: against dlt, and against a plain COPY of the same bytes.

All sides read the same pages from the same server, which replays what the simulator gave and takes a few
milliseconds a page. Bodies travel uncompressed. The warehouse keeps what it commits (fsync is on), and so does the
database of dlt, on the same server.
"""

from __future__ import annotations

import io
import os
import statistics
from contextlib import closing
from typing import TYPE_CHECKING, Any

import dlt
from bench_world import CONSUMPTION, LICENSE_ID, expect, open_load, seconds_of, value
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from measure import Measure, Ratio

from chargeback.steps import extract, flatten, loads
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from bench_world import BenchWorld

ROWS = 400_000
PAGE_SIZE = 10_000
REPEATS = 3


def against_dlt(world: BenchWorld) -> Ratio:
    """Our rows per second over those of dlt's REST client and PostgreSQL destination, both with their defaults.

    dlt types and flattens rows on their way, which our extract leaves to a later task; so the figures also name
    dlt at its leanest (nested values kept as JSON, written by COPY) and ours with our flatten added.
    """
    rows, page_size = _size(world)
    with world.pages(rows, page_size) as url:
        database = world.warehouse()
        ours = statistics.median(_extract(world, database, url, rows) for _ in range(REPEATS))
        flattening = _flatten(world, database, rows)
        theirs = _dlt(world, "plain", url, rows)
        leanest = _dlt(world, "lean", url, rows, loader_file_format="csv", max_table_nesting=0)
    return Ratio(
        theirs / ours,
        f"{rows / ours:,.0f} rows/s, dlt {rows / theirs:,.0f}, dlt at its leanest {rows / leanest:,.0f}, "
        f"ours with flatten {rows / (ours + flattening):,.0f}, of {rows:,} rows",
    )


def against_copy(world: BenchWorld) -> Ratio:
    """Our time over that of COPY, which is handed the same bodies from memory, one commit a page as we do."""
    rows, page_size = _size(world)
    bodies = [page.read_bytes() for page in sorted(world.captured(rows, page_size).iterdir())]
    database, ours, copied = world.warehouse(), [], []
    with world.pages(rows, page_size) as url:
        for number in range(1, REPEATS + 1):  # in turns, as the machine may change its pace
            ours.append(_extract(world, database, url, rows))
            copied.append(_copy(database, f"public.copied_{number}", bodies))
    seconds, least = statistics.median(ours), statistics.median(copied)
    megabytes = sum(map(len, bodies)) / 1e6
    return Ratio(seconds / least, f"{seconds:.2f} s, COPY {least:.2f} s, of {megabytes:,.0f} MB")


def _size(world: BenchWorld) -> tuple[int, int]:
    """The rows, and a page size that leaves some pages in a trial too."""
    rows = world.rows(ROWS)
    return rows, min(PAGE_SIZE, max(rows // 4, 1))


def _extract(world: BenchWorld, database: Database, url: str, rows: int) -> float:
    """How long reading and staging the license takes, done as the mapped task does it."""
    load_id = open_load(database)
    with world.client(database, url) as client:
        arguments = (client, database, world.field_map, load_id, [LICENSE_ID])
        seconds = seconds_of(extract.consumption, *arguments)
    staged = f"select sum(row_count) from staging.consumption_pages where load_id = {load_id}"
    expect(value(database, staged), rows, "rows staged")
    return seconds


def _flatten(world: BenchWorld, database: Database, rows: int) -> float:
    """How long it takes to make typed rows of the pages of the newest load."""
    load_id = value(database, "select max(load_id) from ops.loads")
    with database.transaction() as connection:
        execute(
            connection,
            "insert into ops.load_licenses (load_id, license_id, position, is_selected) values (%(a)s, %(b)s, 1, true)",
            a=load_id,
            b=LICENSE_ID,
        )
        loads.settle_extractions(connection, loads.get(connection, load_id))
    load = loads.for_writing(database, load_id)
    seconds = seconds_of(flatten.flatten, database, world.field_map, load)
    lines = f"select count(*) from intermediate.int_consumption_lines where load_id = {load_id}"
    expect(value(database, lines), rows, "rows flattened")
    return seconds


def _dlt(world: BenchWorld, name: str, url: str, rows: int, **options: Any) -> float:
    """How long the pipeline takes that dlt's documentation shows for a paginated REST API."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    client = RESTClient(
        base_url=url,
        headers={"Authorization": "Bearer bench"},
        paginator=JSONLinkPaginator(next_url_path="nextPage"),
        data_selector="values",
    )
    file_format = options.pop("loader_file_format", None)

    @dlt.resource(name="consumption", write_disposition="replace", **options)
    def consumption() -> Any:
        yield from client.paginate(CONSUMPTION)

    address = world.server.create_database(f"dlt_{name}")
    pipeline = dlt.pipeline(
        f"bench_{name}",
        pipelines_dir=str(world.folder / "dlt"),
        destination=dlt.destinations.postgres(address),
        dataset_name="consumption",
    )
    seconds = seconds_of(
        lambda: pipeline.run(consumption(), loader_file_format=file_format).raise_on_failed_jobs()
    )
    database = Database.connect(address.replace("postgresql://", "postgresql+psycopg2://", 1))
    expect(value(database, "select count(*) from consumption.consumption"), rows, "rows of dlt")
    return seconds


def _copy(database: Database, table: str, bodies: list[bytes]) -> float:
    """How long it takes to COPY the bodies into a table like that of the staged pages."""
    with database.transaction() as connection:
        execute(connection, f"create table {table} (like staging.consumption_pages including all)")
    with closing(database.raw_connection()) as driver:
        seconds = seconds_of(_copy_bodies, driver, table, bodies)
    expect(value(database, f"select count(*) from {table}"), len(bodies), "pages copied")
    return seconds


def _copy_bodies(driver: Any, table: str, bodies: list[bytes]) -> None:
    statement = f"copy {table} (load_id, extraction_id, license_id, page_number, row_count, body) from stdin"
    with driver.cursor() as cursor:
        for number, body in enumerate(bodies, start=1):
            cursor.copy_expert(statement, io.BytesIO(b"1\t1\t1\t%d\t1\t%b\n" % (number, _escaped(body))))


def _escaped(body: bytes) -> bytes:
    return body.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\r", b"\\r")


MEASURES = [
    Measure("extract_stage_vs_dlt", ">= 10", against_dlt),
    Measure("extract_stage_vs_copy", "<= 2.5", against_copy),
]
