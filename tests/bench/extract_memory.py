"""How much more memory the extract task takes for a hundred times the rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Measure, Ratio

if TYPE_CHECKING:
    from bench_world import BenchWorld

PAGE_SIZE = 1_000
FEW_ROWS = 10_000
MANY_ROWS = 1_000_000


def many_rows_over_few(world: BenchWorld) -> Ratio:
    """Peak memory of the process for a million rows over that for ten thousand, pages of one size."""
    database = world.warehouse()
    url = database.url.render_as_string(hide_password=False)
    with world.pages(PAGE_SIZE) as api_url:
        few, many = (
            _peak_kilobytes(url, api_url, max(rows // PAGE_SIZE, 1))
            for rows in (FEW_ROWS, world.rows(MANY_ROWS))
        )
    return Ratio(
        many / few,
        f"{many / 1024:.0f} MB for {world.rows(MANY_ROWS):,} rows, {few / 1024:.0f} MB for {FEW_ROWS:,}",
    )


def _peak_kilobytes(warehouse_url: str, api_url: str, pages: int) -> int:
    command = [
        sys.executable,
        str(Path(__file__).with_name("one_extract.py")),
        warehouse_url,
        api_url,
        str(pages),
    ]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


MEASURES = [Measure("extract_memory", "<= 1.1", many_rows_over_few)]
