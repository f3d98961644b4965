"""How much more memory the extract task takes for a hundred times the rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench_world import expect
from measure import Measure, Ratio

if TYPE_CHECKING:
    from bench_world import BenchWorld

PAGE_SIZE = 1_000
FEW_ROWS = 10_000
MANY_ROWS = 1_000_000


def many_rows_over_few(world: BenchWorld) -> Ratio:
    """Peak memory of the process for a million rows over that for ten thousand, pages of one size."""
    url = world.warehouse().url.render_as_string(hide_password=False)
    sizes = world.rows(FEW_ROWS), world.rows(MANY_ROWS)
    few, many = (_peak_kilobytes(world, url, rows, world.rows(PAGE_SIZE)) for rows in sizes)
    return Ratio(
        many / few,
        f"{many / 1024:.0f} MB for {sizes[1]:,} rows, {few / 1024:.0f} MB for {sizes[0]:,}",
    )


def _peak_kilobytes(world: BenchWorld, warehouse_url: str, rows: int, page_size: int) -> int:
    with world.pages(rows, page_size) as api_url:
        command = [sys.executable, str(Path(__file__).with_name("one_extract.py")), warehouse_url, api_url]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    staged, peak = map(int, done.stdout.split())
    expect(staged, rows, "rows staged")
    return peak


MEASURES = [Measure("extract_memory", "<= 1.1", many_rows_over_few)]
