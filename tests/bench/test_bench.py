"""The benchmark suite measures what it says: each ratio comes from work that was done on every row."""

from __future__ import annotations

import json

import pytest
import suite
from bench_world import LICENSE_ID, ORG_ID, BenchWorld, expect, rows, value
from bi_speed import ASKING, measured
from many_nights import fill
from stage_linearity import STAGES, night

from chargeback.warehouse import scripts
from local_runtime.postgres import PostgresServer, free_port

TINY = 100  # what every size is divided by
ROWS = 45
PAGE_SIZE = 10
# Those that compare facts with facts, not with the lines they were made from.
CHECKS_OF_THE_STAR = {
    "keys_are_whole",
    "positions_add_up",
    "trees_add_up",
    "cost_equals_quantity_times_price",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    with PostgresServer(folder / "postgres", port=free_port()) as server:
        yield BenchWorld(server, folder, TINY)


def test_a_measure_gives_a_ratio_with_its_target(tmp_path) -> None:
    names = ["extract_stage_vs_dlt", "extract_stage_vs_copy"]

    suite.main([*names, "--scale", str(TINY), "--output", str(tmp_path / "bench.json")])

    results = json.loads((tmp_path / "bench.json").read_text())
    assert list(results) == names
    assert [result["target"] for result in results.values()] == [">= 10", "<= 2.5"]
    assert all(result["ratio"] > 0 for result in results.values())
    assert "4,000 rows" in results["extract_stage_vs_dlt"]["figures"]


def test_every_row_goes_through_every_stage(world) -> None:
    assert set(night(world, ROWS)) == {"list_licenses", *STAGES}  # it expects ROWS to be published


def test_the_pages_replayed_are_those_of_the_simulator(world) -> None:
    database = world.warehouse()
    files = sorted(world.captured(ROWS, PAGE_SIZE).iterdir())

    with world.pages(ROWS, PAGE_SIZE) as url, world.client(database, url) as client:
        pages = list(client.consumption_pages(LICENSE_ID))

    assert [page.body for page in pages] == [file.read_bytes() for file in files]
    assert [len(page.rows) for page in pages] == [10, 10, 10, 10, 5]


def test_work_that_was_not_done_is_not_timed() -> None:
    with pytest.raises(AssertionError, match="rows staged: 9, not 10"):
        expect(9, 10, "rows staged")


def test_few_and_many_nights_give_every_question_the_same_answer(world) -> None:
    found = measured(world, 20, 500)  # it expects the answers to be the same

    assert sorted(found) == sorted(ASKING)
    assert all(seconds > 0 for figures in found.values() for seconds in figures)
    assert not (world.folder / "bi_nights").exists()


def test_a_filled_warehouse_has_what_the_nightly_job_would_have_checked(world) -> None:
    database = world.warehouse()
    fill(database, 3, 1000)

    assert value(database, "select count(*) from bi.chargeback") == 3000
    for snapshot_date, load_id in rows(database, "select snapshot_date, load_id from ops.snapshots"):
        load = {"load_id": load_id, "snapshot_date": snapshot_date, "org_id": ORG_ID}
        with database.transaction() as connection:
            for check in scripts.checks("mart"):
                if check.name in CHECKS_OF_THE_STAR:
                    assert scripts.failing_rows(connection, check, load, 3) == (0, []), check.name


def test_every_file_of_measures_is_in_the_suite() -> None:
    folder = suite.Path(suite.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\nMEASURES = [" in path.read_text()}

    assert files == set(suite.FILES)
