"""`make crash`: many seeded kills of a run, each recovered and compared with the run that nobody disturbed."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from crash_night import CrashNight
from crash_world import crash_world
from report import Outcome, summary, table

KILLS = 200
SEED = 20261124


def main(
    kills: int = KILLS, seed: int = SEED, only: list[int] | None = None, output: Path | None = None
) -> int:
    """Run the kills with these numbers; 0 where every recovery showed what the undisturbed run showed."""
    numbers = only or list(range(1, kills + 1))
    folder = Path(tempfile.mkdtemp(prefix="chargeback-crash-"))
    outcomes: list[Outcome] = []
    started_at = time.monotonic()
    try:
        _run(folder, seed, numbers, outcomes, output)
    finally:
        print(f"\n{table(outcomes)}\n\nseed {seed}, {time.monotonic() - started_at:.0f} s")
    is_sound = len(outcomes) == len(numbers) and all(outcome.is_equal for outcome in outcomes)
    if is_sound:
        shutil.rmtree(folder)
    else:
        print(f"Logs and databases are kept in {folder}. One kill alone: --seed {seed} --only NUMBER")
    return 0 if is_sound else 1


def _run(folder: Path, seed: int, numbers: list[int], outcomes: list[Outcome], output: Path | None) -> None:
    _say("Starting two PostgreSQL servers, the simulator and Airflow")
    with crash_world(folder) as world:
        night = CrashNight(world)
        rows = sum(map(len, night.expected.values()))
        _say(
            f"An undisturbed run takes {night.run_seconds:.0f} s, reads {night.page_count} pages and shows "
            f"{rows} rows in {len(night.expected)} views of bi. Killing {len(numbers)} runs:"
        )
        for number in numbers:
            outcomes += night.hit(night.draw(seed, number))
            _say(str(outcomes[-1]))
            if output is not None:
                output.write_text(json.dumps(summary(outcomes, seed), indent=1), encoding="utf-8")


def _say(text: str) -> None:
    print(text, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how many kills; {KILLS} by default")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed draws the same kills")
    parser.add_argument("--only", type=int, action="append", help="this kill alone; may be repeated")
    parser.add_argument("--output", type=Path, help="where to write all of it as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that nothing is left running
    sys.exit(main(**vars(_arguments())))
