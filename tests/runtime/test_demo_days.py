"""`make demo DAYS=3`: how many days may be built, and the tenant of a date."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from flexera_simulator.testing import running_simulator
from local_runtime.demo import days_from
from local_runtime.problem import Problem
from local_runtime.simulator import Simulator


@pytest.mark.parametrize(("text", "days"), [("", 1), (" ", 1), ("1", 1), ("3", 3), (" 90 ", 90)])
def test_the_days_of_a_demo_end_today(text: str, days: int) -> None:
    assert days_from(text) == days


@pytest.mark.parametrize("text", ["0", "-1", "91", "3.5", "three", "\u0663", "1e2", "99999999999999999999"])
def test_a_number_of_days_that_is_none_is_misuse(text: str) -> None:
    with pytest.raises(Problem, match="DAYS must be a whole number from 1 to 90, not") as caught:
        days_from(text)

    assert caught.value.exit_code == 2


def test_the_simulator_shows_the_tenant_of_a_date_and_goes_back_to_today() -> None:
    with (
        running_simulator() as running,
        subprocess.Popen([sys.executable, "-c", ""]) as process,
    ):
        simulator = Simulator(process, running.url)
        today = running.settings.day

        simulator.show(date(2026, 3, 1))
        assert running.settings.day == date(2026, 3, 1)
        simulator.show(None)
        assert running.settings.day == today
