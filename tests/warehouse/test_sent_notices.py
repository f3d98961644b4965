"""Which messages about a load are still to be sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from chargeback.steps import loads, notices
from chargeback.steps.load_request import LoadRequest
from chargeback.steps.notices import Notice
from chargeback.warehouse.database import Database

FAILURE = Notice("failure", "A license failed", "It was refused.")
STARVATION = Notice("starvation", "The limit is used up", "Others ask much.")
DAY = date(2026, 11, 24)


@pytest.fixture
def database(warehouse_url: str) -> Database:
    return Database.connect(warehouse_url)


@pytest.fixture
def load_id(database: Database) -> int:
    return loads.open_load(database, LoadRequest(org_id="12345", snapshot_date=DAY, today=DAY))


def test_a_message_is_sent_once_a_load(database: Database, load_id: int) -> None:
    other_id = loads.open_load(database, LoadRequest(org_id="12345", snapshot_date=DAY, today=DAY))

    sent = [notices.to_send(database, load, FAILURE, "try 1") for load in (load_id, load_id, other_id)]

    assert sent == [FAILURE, None, FAILURE]


def test_a_task_that_is_cleared_and_fails_again_is_told_again(database: Database, load_id: int) -> None:
    sent = [notices.to_send(database, load_id, FAILURE, f"try {number}") for number in (1, 2)]

    assert sent == [FAILURE, FAILURE]


def test_of_a_thousand_failures_ten_are_sent_and_the_last_of_them_says_so(
    database: Database, load_id: int
) -> None:
    sent = [notices.to_send(database, load_id, FAILURE, f"license {number}") for number in range(1000)]

    assert sent[:9] == [FAILURE] * 9
    assert "Further failures" in getattr(sent[9], "text", "")
    assert sent[10:] == [None] * 990


def test_tasks_that_starve_at_once_send_one_message(database: Database, load_id: int) -> None:
    with ThreadPoolExecutor(max_workers=8) as tasks:
        sent = list(
            tasks.map(lambda _: notices.to_send(database, load_id, STARVATION, "request budget"), range(32))
        )

    assert [notice for notice in sent if notice] == [STARVATION]
