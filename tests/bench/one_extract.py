"""Reads and stages one license in a process of its own; prints the rows and its peak memory in kilobytes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench_world import LICENSE_ID, BenchWorld, open_load

from chargeback.steps import extract
from chargeback.warehouse.database import Database

if __name__ == "__main__":
    warehouse_url, api_url = sys.argv[1:]
    world = BenchWorld(None, Path(), 1)  # type: ignore[arg-type]  # nothing is started here
    database = Database.connect(warehouse_url)
    with world.client(database, api_url) as client:
        counts = extract.consumption(client, database, world.field_map, open_load(database), [LICENSE_ID])
    # Not ru_maxrss: a new process starts with the peak of the one that started it.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(counts["rows"], peak[1])  # type: ignore[index]
