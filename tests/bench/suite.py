"""`make bench`: every measure, a table of ratios, and .local/bench.json.

Ratios are of two figures of one run on one machine: single figures drift with the machine, ratios hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import budget_use  # noqa: E402
import extract_memory  # noqa: E402
import extract_speed  # noqa: E402
import mapped_task  # noqa: E402
import stage_linearity  # noqa: E402
from bench_world import BenchWorld  # noqa: E402

from local_runtime.places import LOCAL  # noqa: E402
from local_runtime.postgres import PostgresServer, free_port  # noqa: E402

MEASURES = [
    measure
    for module in (extract_speed, extract_memory, budget_use, stage_linearity, mapped_task)
    for measure in module.MEASURES
]
# The settings of a warehouse that keeps what it commits; only larger than the embedded server's own.
SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
QUICK_SCALE = 20


def main(arguments: list[str]) -> int:
    """Run the measures that are asked for; 1 where one of them misses its target."""
    asked = _arguments(arguments)
    chosen = [measure for measure in MEASURES if not asked.names or measure.name in asked.names]
    results: dict[str, dict[str, object]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="chargeback-bench-") as folder,
        PostgresServer(Path(folder) / "postgres", SERVER, port=free_port()) as server,
    ):
        world = BenchWorld(server, Path(folder), QUICK_SCALE if asked.quick else 1)
        for measure in chosen:
            print(f"{measure.name} ...", end=" ", flush=True)
            found = measure.run(world)
            print(f"{found.ratio:.2f}  ({found.figures})", flush=True)
            results[measure.name] = {
                "ratio": round(found.ratio, 3),
                "target": measure.target,
                "is_met": measure.is_met(found.ratio),
                "figures": found.figures,
            }
    _print_table(results)
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(result["is_met"] for result in results.values()) else 1


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help=f"measures to run; all of {', '.join(m.name for m in MEASURES)}"
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"every size divided by {QUICK_SCALE}: a trial only"
    )
    parser.add_argument(
        "--output", type=Path, default=LOCAL / "bench.json", help="where the ratios are written"
    )
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - {measure.name for measure in MEASURES}:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    return asked


def _print_table(results: dict[str, dict[str, object]]) -> None:
    width = max(map(len, results))
    print(f"\n{'measure':<{width}}  {'ratio':>8}  {'target':<8}  met")
    for name, result in results.items():
        met = "yes" if result["is_met"] else "NO"
        print(f"{name:<{width}}  {result['ratio']:>8}  {result['target']:<8}  {met}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
