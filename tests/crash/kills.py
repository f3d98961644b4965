"""What is killed, when, and how the operator goes about it: drawn from a seed, each kill by itself."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from nightly_tasks import TASKS

KINDS = ("task", "worker", "scheduler", "warehouse", "metadata")
IN_WORDS = {
    "task": "task",
    "worker": "worker of a task",
    "warehouse": "PostgreSQL, warehouse",
    "metadata": "PostgreSQL, Airflow's",
}
# How often a kind is drawn. Airflow's own database is no part of the product, so less often.
WEIGHTS = (5, 5, 5, 5, 1)
LONGEST_TASK_SECONDS = 0.5
LONGEST_OUTAGE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: what has to be seen first, and how long to wait then."""

    after: str
    share_of_run: float = 0.0
    pages: int = 0
    task_id: str = ""
    seconds: float = 0.0

    def earlier(self) -> Moment:
        """The same moment, for a run that was over before it came."""
        return replace(
            self,
            share_of_run=self.share_of_run * 0.7,
            pages=max(1, self.pages - 3),
            seconds=self.seconds * 0.5,
        )

    def __str__(self) -> str:
        match self.after:
            case "time":
                return f"after {self.share_of_run:.0%} of the run"
            case "page":
                return f"after page {self.pages}"
            case "task":
                return f"{self.seconds:.2f} s into {self.task_id}"
            case _:
                return f"while rows are written, after {self.share_of_run:.0%} of the run"


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and all that is decided about it beforehand."""

    number: int
    kind: str
    moment: Moment
    source: str
    patience: str
    takes_all: bool
    outage_seconds: float
    dice: int

    @property
    def what(self) -> str:
        """The victim in words."""
        if self.kind == "scheduler":
            return "scheduler with its tasks" if self.takes_all else "scheduler alone"
        return IN_WORDS[self.kind]


def draw(seed: int, number: int, page_count: int) -> Kill:
    """The kill with this number; the same seed and number draw the same kill again."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable is what it has to be
    [kind] = dice.choices(KINDS, WEIGHTS)
    source = dice.choices(("api", "raw"), (5, 1))[0]
    return Kill(
        number=number,
        kind=kind,
        moment=_moment(dice, source, page_count),
        source=source,
        patience=dice.choices(("waits", "clears", "triggers"), (3, 2, 1))[0],
        takes_all=dice.random() < 0.5,
        outage_seconds=dice.uniform(0.0, LONGEST_OUTAGE_SECONDS),
        dice=dice.getrandbits(32),
    )


def _moment(dice: random.Random, source: str, page_count: int) -> Moment:
    after = dice.choice(("time", "page", "task", "write") if source == "api" else ("time", "task", "write"))
    return Moment(
        after=after,
        share_of_run=dice.random(),
        pages=dice.randint(1, page_count),
        task_id=dice.choice(TASKS),
        seconds=dice.uniform(0.0, LONGEST_TASK_SECONDS) if after == "task" else 0.0,
    )
