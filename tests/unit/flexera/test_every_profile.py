"""The client under each profile of the simulator: every row, or an error that says what and where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from profile_outcomes import OUTCOMES, Seen
from profile_run import Reading, Time, read
from scripted_server import ScriptedServer, scripted_server

from flexera_simulator.profiles import PROFILES
from flexera_simulator.testing import RunningSimulator, running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = {"tenant": "load", "licenses": 3, "rows": 300, "page_size": 40, "requests_per_minute": 0}
# What a slow answer takes, and what a caller waits for answers that may be slow, and for others.
SLOW_SECONDS = 2.0
SHORT_SECONDS = 0.5
LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def clock() -> Time:
    return Time()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ScriptedServer]:
    """Another host, which hears from nobody."""
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def simulator(clock: Time, elsewhere: ScriptedServer) -> Iterator[RunningSimulator]:
    foreign_host = elsewhere.url.replace("127.0.0.1", "localhost")
    with running_simulator(
        clock=clock, date="2026-11-24", slow_seconds=SLOW_SECONDS, foreign_host=foreign_host, **TENANT
    ) as running:
        yield running


@pytest.fixture(scope="module")
def before(simulator: RunningSimulator, clock: Time) -> Reading:
    """What the client reads of a server that behaves."""
    return read(simulator, clock, timeout=LONG_SECONDS)


def test_every_profile_has_an_outcome() -> None:
    assert set(OUTCOMES) == set(PROFILES)


def test_the_documentation_tells_the_outcome_of_every_profile() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| \d+ \| .+ \| (.+?) \|$", page, flags=re.MULTILINE)

    assert dict(listed) == {name: outcome.words for name, outcome in OUTCOMES.items()}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_survived_or_refused_by_name(
    simulator: RunningSimulator, clock: Time, elsewhere: ScriptedServer, before: Reading, name: str
) -> None:
    outcome = OUTCOMES[name]
    simulator.reset()
    faults = simulator.use_profile(name)
    simulator.set(**outcome.settings)

    timeout = SHORT_SECONDS if PROFILES[name].group == 15 else LONG_SECONDS
    after = read(simulator, clock, timeout=timeout, **outcome.extra)

    seen = Seen(simulator=simulator, before=before, after=after)
    outcome.check(seen)
    assert outcome.sign(seen)
    assert all(fault.struck_count for fault in faults)
    assert set(simulator.counters()["by_method"]) <= {"GET"}
    assert simulator.refused_writes() == []
    assert elsewhere.connection_count == 0
