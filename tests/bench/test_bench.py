"""The benchmark suite measures what it says: each ratio comes from work that was done on every row."""

from __future__ import annotations

import json

import pytest
import suite
from bench_world import LICENSE_ID, BenchWorld, expect
from stage_linearity import STAGES, night

from local_runtime.postgres import PostgresServer, free_port

TINY = 100  # what every size is divided by
ROWS = 45
PAGE_SIZE = 10


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
    assert sorted(night(world, ROWS)) == sorted(STAGES)  # it expects ROWS to be published


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


def test_every_file_of_measures_is_in_the_suite() -> None:
    folder = suite.Path(suite.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\nMEASURES = [" in path.read_text()}

    assert files == set(suite.FILES)
