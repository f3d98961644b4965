"""The same night again and again, each time with another kill, compared with the one that nobody disturbed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from kills import draw
from ledger import Turns, broken_rules
from night_run import NightRun
from recovery import Operator, Stuck
from report import Outcome
from strike import Strike
from visible_rows import Watch, differences, visible_rows

if TYPE_CHECKING:
    from crash_world import CrashWorld
    from kills import Kill

MUST_HAVE_ROWS = (
    "chargeback",
    "vm_consumption",
    "host_consumption",
    "cluster_consumption",
    "chargeback_by_cost_center",
    "chargeback_by_corporate_unit",
    "chargeback_by_location",
    "license_position",
    "snapshot",
)
UNDISTURBED_SECONDS = 240.0
TRIES = 6
# A turn is lost when its process dies between taking it and sending; no more processes than these can die.
MOST_LOST_TURNS = 8
MOST_LINES = 10


class CrashNight:
    """What the undisturbed night shows, and what comes of each kill."""

    def __init__(self, world: CrashWorld, undisturbed_runs: int = 2) -> None:
        self._world = world
        for _ in range(undisturbed_runs):  # the first run of an Airflow is slower than those that follow
            self.run_seconds = self._undisturbed()
        self.expected = visible_rows(world.warehouse)
        self.page_count = int(world.warehouse.value("select page_count from bi.snapshot"))
        empty = [view for view in MUST_HAVE_ROWS if not self.expected[view]]
        assert not empty, f"an empty view would prove nothing: {empty}"
        self._turns = Turns(world.warehouse, world.simulator.api_request_count())
        self._told_before: set[str] = set()
        mistakes = broken_rules(world.warehouse)
        assert not mistakes, f"rules that do not hold before anything was killed: {mistakes}"
        assert self._turns.lost_ever == 0, "turns and requests do not agree before anything was killed"

    def draw(self, seed: int, number: int) -> Kill:
        """The kill with this number."""
        return draw(seed, number, self.page_count)

    def hit(self, *kills: Kill) -> list[Outcome]:
        """Kill a run, once or one kill after the other, recover it, and compare."""
        outcomes = [Outcome(planned) for planned in kills]
        started_at = time.monotonic()
        with Watch(self._world.warehouse) as watch:
            run = self._hit_first(outcomes[0])
            try:
                self._recover(run, outcomes)
            except Stuck as stuck:
                outcomes[-1].differences.append(f"not recovered: {stuck}")
                self._begin_anew(run)
        found = [*watch.differences, *self._differences()]
        for outcome in outcomes:
            outcome.looks = watch.looks
            outcome.differences += found
            outcome.seconds = time.monotonic() - started_at
        return outcomes

    def _recover(self, run: NightRun, outcomes: list[Outcome]) -> None:
        """Bring a run to its end that was hit once and may be hit again."""
        operator = Operator(self._world, run)
        outcomes[0].recovery = operator.after(outcomes[0].kill)
        for outcome in outcomes[1:]:
            strike = Strike(self._world, outcome.kill, run, self.run_seconds)
            operator.recover(until=strike.has_come)
            if not strike.hit():
                raise Stuck("the run was over before its next kill came")
            outcome.during = strike.during
            outcome.recovery = operator.after(outcome.kill)
        operator.recover()

    def _hit_first(self, outcome: Outcome) -> NightRun:
        """Hit a new run; one that was over before the moment came is followed by another, hit earlier."""
        planned = outcome.kill
        for _ in range(TRIES):
            run = NightRun(self._world, planned.source)
            strike = Strike(self._world, planned, run, self.run_seconds)
            strike.wait()
            if strike.hit():
                outcome.during = strike.during
                return run
            planned = replace(planned, moment=planned.moment.earlier())
        raise AssertionError(f"{TRIES} runs in a row were over before they could be hit")

    def _differences(self) -> list[str]:
        """What is not as after the undisturbed night."""
        found = differences(self.expected, visible_rows(self._world.warehouse))
        broken = broken_rules(self._world.warehouse)
        found += [line for line in broken if line not in self._told_before][:MOST_LINES]
        self._told_before.update(broken)  # what an earlier kill left behind is not told again
        lost_turns = self._turns.lost_since(self._world.simulator.api_request_count())
        if not 0 <= lost_turns <= MOST_LOST_TURNS:
            found.append(f"{lost_turns} turns of the request budget were taken and not used")
        return found

    def _begin_anew(self, run: NightRun) -> None:
        """Leave nothing of a run that was not recovered, so that the next kill tells something again."""
        self._world.revive()
        self._world.parts.restart_scheduler()
        self._world.api.wait_until_healthy()
        self._world.api.mark_failed(run.run_id)
        self._undisturbed()

    def _undisturbed(self) -> float:
        """A run that nobody disturbs; returns how long it took."""
        run = NightRun(self._world)
        while not run.is_over():
            if run.seconds > UNDISTURBED_SECONDS:
                raise TimeoutError(f"run {run.run_id} does not end though nobody disturbs it")
            time.sleep(0.1)
        seconds = run.seconds
        assert self._world.api.state(run.run_id) == "success"
        assert self._world.parts.wait_until_idle() == []
        return seconds
