"""A run that is killed anywhere, and recovered, publishes what a run that nobody disturbed publishes.

A few kills of every kind, several to a run; `make crash` has hundreds of them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from crash_night import CrashNight
from crash_world import CrashWorld, crash_world
from kills import KINDS, Moment, draw
from ledger import broken_rules
from nightly_tasks import TASKS
from visible_rows import Watch, differences, visible_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kills import Kill

pytestmark = pytest.mark.timeout(900)  # a system starts, and is brought back eight times

SEED = 20261124
SEVERAL = {
    "while pages are read": [
        ("task", Moment("page", pages=5)),
        ("warehouse", Moment("page", pages=14)),
        ("worker", Moment("page", pages=24)),
    ],
    "while the star is built": [
        ("scheduler", Moment("page", pages=20)),
        ("task", Moment("task", task_id="flatten", seconds=0.2)),
        ("warehouse", Moment("task", task_id="build_levels", seconds=0.2)),
        ("task", Moment("task", task_id="derive", seconds=0.2)),
        ("metadata", Moment("task", task_id="build_star")),
    ],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashWorld]:
    """An Airflow, a simulator and a warehouse that no other test uses."""
    with crash_world(tmp_path_factory.mktemp("crash")) as running:
        yield running


@pytest.fixture(scope="module")
def night(world: CrashWorld) -> CrashNight:
    """The night as it is when nothing dies."""
    return CrashNight(world, undisturbed_runs=1)


def planned(night: CrashNight, number: int, kind: str, moment: Moment) -> Kill:
    """A drawn kill of this kind, at this moment of a run that reads the API; Airflow's retries bring it back."""
    drawn = night.draw(SEED, number)
    seconds = drawn.outage_seconds / 4
    return replace(drawn, kind=kind, moment=moment, source="api", patience="waits", outage_seconds=seconds)


@pytest.mark.parametrize("when", SEVERAL)
def test_a_run_that_is_killed_and_recovered_shows_what_an_undisturbed_run_shows(
    when: str, night: CrashNight
) -> None:
    kills = [
        planned(night, number, kind, moment) for number, (kind, moment) in enumerate(SEVERAL[when], start=1)
    ]

    outcomes = night.hit(*kills)

    assert [outcome for outcome in outcomes if not outcome.is_equal] == []
    assert all(outcome.recovery.is_complete and outcome.looks for outcome in outcomes)


def test_kills_of_every_kind_are_tried_here() -> None:
    assert {kind for kills in SEVERAL.values() for kind, _ in kills} == set(KINDS)


def test_a_changed_row_and_an_open_load_would_be_told(world: CrashWorld, night: CrashNight) -> None:
    change_costs = (
        "update mart.fct_chargeback set recharged_cost = recharged_cost {} 1 where recharged_cost > 0"
    )
    change_load = "update ops.loads set status = '{}' where load_id = (select max(load_id) from ops.loads)"
    with Watch(world.warehouse) as watch:
        world.warehouse.rows(change_costs.format("+"))
        world.warehouse.rows(change_load.format("running"))
        told = differences(night.expected, visible_rows(world.warehouse))
        broken = broken_rules(world.warehouse)
        while not watch.differences:
            time.sleep(0.05)
        world.warehouse.rows(change_costs.format("-"))
        world.warehouse.rows(change_load.format("published"))

    assert any(line.startswith("bi.chargeback: ") for line in told)
    assert any(rule.startswith("a load is still running") for rule in broken)
    assert differences(night.expected, visible_rows(world.warehouse)) == []


def test_a_seed_draws_the_same_kills_again_and_all_kinds_of_them() -> None:
    drawn = [draw(SEED, number, 37) for number in range(1, 201)]

    assert drawn == [draw(SEED, number, 37) for number in range(1, 201)]
    assert {kill.kind for kill in drawn} == set(KINDS)
    assert {kill.moment.after for kill in drawn} == {"time", "page", "task", "write"}
    assert {kill.moment.task_id for kill in drawn if kill.moment.after == "task"} == set(TASKS)
