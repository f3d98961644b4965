"""`make bench`: every measure, a table of ratios, and .local/bench.json.

Ratios are of two figures of one run on one machine: single figures drift with the machine, ratios hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench_world import BenchWorld

from local_runtime.places import LOCAL
from local_runtime.postgres import PostgresServer, free_port

if TYPE_CHECKING:
    from measure import Measure

# A file of this folder per subject, each with its MEASURES; they run in this order.
FILES = (
    "extract_speed",
    "extract_memory",
    "budget_use",
    "stage_linearity",
    "derivation",
    "mapped_task",
    "bi_speed",
)
sys.path.append(str(Path(__file__).resolve().parents[1]))  # where the tests keep what they share
# The settings of a warehouse that keeps what it commits; only larger than the embedded server's own.
SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
QUICK_SCALE = 20


def main(arguments: list[str]) -> int:
    """Run the measures that are asked for; 1 where one of them misses its target."""
    measures = {measure.name: measure for file in FILES for measure in import_module(file).MEASURES}
    asked = _arguments(arguments, list(measures))
    results: dict[str, dict[str, object]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="chargeback-bench-") as folder,
        PostgresServer(Path(folder) / "postgres", SERVER, port=free_port()) as server,
    ):
        world = BenchWorld(server, Path(folder), asked.scale)
        for name in asked.names or measures:
            results[name] = _result(measures[name], world)
            _write(asked.output, results)
    _print_table(results)
    return 0 if all(result["is_met"] for result in results.values()) else 1


def _result(measure: Measure, world: BenchWorld) -> dict[str, object]:
    print(f"{measure.name} ...", end=" ", flush=True)
    found = measure.run(world)
    print(f"{found.ratio:.2f}  ({found.figures})", flush=True)
    return {
        "ratio": round(found.ratio, 3),
        "target": measure.target,
        "is_met": measure.is_met(found.ratio),
        "figures": found.figures,
    }


def _write(path: Path, results: dict[str, dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _arguments(arguments: list[str], known: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MEASURE", help=f"all, or some of {', '.join(known)}")
    parser.add_argument("--scale", type=int, default=1, help="what every size is divided by, for a trial")
    parser.add_argument(
        "--quick", dest="scale", action="store_const", const=QUICK_SCALE, help=f"--scale {QUICK_SCALE}"
    )
    parser.add_argument("--output", type=Path, help="where the ratios are written")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(known):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    if asked.output is None:
        asked.output = LOCAL / ("bench.json" if asked.scale == 1 else "bench-trial.json")
    return asked


def _print_table(results: dict[str, dict[str, object]]) -> None:
    width = max(map(len, results))
    print(f"\n{'measure':<{width}}  {'ratio':>8}  {'target':<8}  met")
    for name, result in results.items():
        met = "yes" if result["is_met"] else "NO"
        print(f"{name:<{width}}  {result['ratio']:>8}  {result['target']:<8}  {met}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
