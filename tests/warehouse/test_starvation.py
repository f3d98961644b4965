"""A request budget tells when others use the limit up, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = "api.flexera.eu/12345"


class Waits:
    """Lets the seconds that a budget waits pass at once, on the clock of the warehouse."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.told: list[float] = []

    def sleep(self, seconds: float) -> None:
        with self.database.transaction() as connection:
            execute(
                connection,
                """
                update ops.request_budgets
                set
                    blocked_until = blocked_until - make_interval(secs => %(seconds)s),
                    next_request_at = next_request_at - make_interval(secs => %(seconds)s)
                """,
                seconds=seconds,
            )

    def budget(self, requests_per_minute: int = 50) -> RequestBudget:
        return RequestBudget(
            self.database.raw_connection,
            BUDGET,
            requests_per_minute,
            on_starvation=self.told.append,
            sleep=self.sleep,
        )


@pytest.fixture
def waits(warehouse_url: str) -> Waits:
    return Waits(Database.connect(warehouse_url))


def test_who_is_held_back_for_more_than_half_a_window_tells_it_while_waiting(waits: Waits) -> None:
    budget = waits.budget()
    budget.take()
    budget.block(50)

    budget.take()

    [seconds] = waits.told
    assert 30 < seconds <= 35


def test_it_is_told_once_by_each_budget(waits: Waits) -> None:
    budget = waits.budget()
    for _ in range(3):
        budget.block(50)
        budget.take()

    assert len(waits.told) == 1


def test_a_short_block_is_not_told(waits: Waits) -> None:
    budget = waits.budget()
    for _ in range(3):
        budget.block(25)
        budget.take()

    assert waits.told == []


@pytest.mark.parametrize(
    ("requests_per_minute", "block"),
    [
        pytest.param(1, lambda _: None, id="a slow pace of our own"),
        pytest.param(0, lambda budget: budget.block(50), id="no pace of our own"),
    ],
)
def test_waiting_that_is_our_own_doing_is_not_told(
    waits: Waits, requests_per_minute: int, block: Callable[[RequestBudget], None]
) -> None:
    budget = waits.budget(requests_per_minute)
    for _ in range(3):
        block(budget)
        budget.take()

    assert waits.told == []
