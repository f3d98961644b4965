"""The request budget on real PostgreSQL: exact, fair, and safe from those that die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from chargeback.errors import ConnectionLost
from chargeback.warehouse.budget import _QUEUE as QUEUE
from chargeback.warehouse.budget import RequestBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUDGET = "api.flexera.eu/12345"
SESSIONS = "select count(*) = {} from pg_stat_activity where datname = current_database() and {}"
WAITS = "wait_event_type = 'Lock'"
HOLDS = "state = 'idle in transaction'"
PROCESSES = multiprocessing.get_context("spawn")


class Connector:
    """Opens connections as Database.raw_connection does; travels to other processes."""

    def __init__(self, url: str) -> None:
        self.dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def __call__(self) -> Any:
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        return connection


@pytest.fixture
def connect(warehouse_url: str) -> Connector:
    return Connector(warehouse_url)


@pytest.fixture
def query(connect: Connector) -> Iterator[Callable[..., Any]]:
    """Ask the warehouse something; the first column of the first row."""
    connection = connect()

    def ask(statement: str, *values: object) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0] if cursor.description else None

    yield ask
    connection.close()


def spend(connect: Connector, requests_per_minute: int, count: int) -> None:
    """Take turns, in a process of its own."""
    budget = RequestBudget(connect, BUDGET, requests_per_minute)
    for _ in range(count):
        budget.take()


@pytest.fixture
def turns_log(query: Callable[..., Any]) -> None:
    """Write down every turn with the moment it was planned for, as the server knows it."""
    query(
        """
        create table public.turns (turn bigint, planned_at timestamptz);
        create function public.note_turn() returns trigger language plpgsql as $$
            begin
                insert into public.turns values (new.request_count, new.next_request_at);
                return null;
            end
        $$;
        create trigger note_turn after update of request_count on ops.request_budgets
        for each row execute function public.note_turn()
        """
    )


def test_several_processes_never_exceed_the_limit_in_any_window(
    connect: Connector, query: Callable[..., Any], turns_log: None
) -> None:
    workers = [PROCESSES.Process(target=spend, args=(connect, 1200, 15)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    most = query(
        """
        select max(turn_count) from (
            select count(*) over (
                order by planned_at range between current row and interval '0.999999 seconds' following
            ) as turn_count
            from public.turns
        ) as windows
        """
    )
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert query("select count(distinct turn) from public.turns") == 60
    assert most <= 1200 / 60
    assert query("select request_count from ops.request_budgets where budget_id = %s", BUDGET) == 60


def test_turns_that_nobody_used_are_not_saved_up(connect: Connector, query: Callable[..., Any]) -> None:
    budget = RequestBudget(connect, BUDGET, 1)
    budget.take()
    query("update ops.request_budgets set next_request_at = clock_timestamp() - interval '1 hour'")

    budget.take()

    assert query(
        "select next_request_at > clock_timestamp() + interval '50 seconds' from ops.request_budgets"
    )


def test_turns_are_given_in_order_of_arrival(connect: Connector, query: Callable[..., Any]) -> None:
    first = RequestBudget(connect, BUDGET, 60_000)
    first._run(QUEUE)  # has the queue's first place and does not go on
    waiting = [RequestBudget(connect, BUDGET, 60_000) for _ in range(4)]

    threads = [threading.Thread(target=budget.take) for budget in waiting]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        _until(query, SESSIONS.format(number, WAITS))
    first.close()
    for thread in threads:
        thread.join()

    assert [budget._request for budget in waiting] == [1, 2, 3, 4]


def test_a_block_holds_for_everyone_and_ends(connect: Connector, query: Callable[..., Any]) -> None:
    ours, theirs = (RequestBudget(connect, BUDGET, 60_000) for _ in range(2))
    theirs.take()

    ours.block(0.4)
    theirs.take()

    assert query("select clock_timestamp() >= blocked_until from ops.request_budgets")
    assert query("select throttled_count from ops.request_budgets") == 1


def test_a_shorter_block_does_not_end_a_longer_one(connect: Connector, query: Callable[..., Any]) -> None:
    budget = RequestBudget(connect, BUDGET, 60)

    budget.block(500)
    budget.block(1)

    assert query("select blocked_until > clock_timestamp() + interval '400 seconds' from ops.request_budgets")


def test_who_waits_sleeps_on_its_side_and_asks_seldom(connect: Connector, query: Callable[..., Any]) -> None:
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        query("update ops.request_budgets set next_request_at = next_request_at - interval '5 seconds'")

    budget = RequestBudget(connect, BUDGET, 1, sleep=sleep)
    budget.take()
    budget.take()

    assert len(sleeps) == 13
    assert max(sleeps) == 5.0


def test_a_process_killed_while_it_waits_spends_nothing_and_blocks_nobody(
    connect: Connector, query: Callable[..., Any]
) -> None:
    RequestBudget(connect, BUDGET, 1).take()
    waiting = PROCESSES.Process(target=spend, args=(connect, 1, 1))
    waiting.start()
    _until(query, SESSIONS.format(1, HOLDS))

    os.kill(waiting.pid or 0, signal.SIGKILL)
    waiting.join()
    _until(query, SESSIONS.format(0, HOLDS))
    query("update ops.request_budgets set next_request_at = clock_timestamp()")
    RequestBudget(connect, BUDGET, 1).take()

    assert query("select request_count from ops.request_budgets") == 2


def test_a_task_stopped_while_it_waits_leaves_its_place(
    connect: Connector, query: Callable[..., Any]
) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    RequestBudget(connect, BUDGET, 1).take()
    stopped = RequestBudget(connect, BUDGET, 1, sleep=stop)  # named, so that it is not closed by going away
    with pytest.raises(KeyboardInterrupt):
        stopped.take()

    _until(query, SESSIONS.format(0, HOLDS))
    assert query("select request_count from ops.request_budgets") == 1


def test_a_lost_connection_is_opened_anew(connect: Connector, query: Callable[..., Any]) -> None:
    budget = RequestBudget(connect, BUDGET, 60_000, sleep=lambda _: None)
    budget.take()

    query(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    budget.take()

    assert query("select request_count from ops.request_budgets") == 2


def test_a_warehouse_that_is_gone_is_told_after_some_tries(connect: Connector) -> None:
    waits: list[float] = []
    connect.dsn = "postgresql://nobody:hush@127.0.0.1:1/nowhere"

    with pytest.raises(ConnectionLost, match=r"api\.flexera\.eu/12345.*connection 'warehouse'") as caught:
        RequestBudget(connect, BUDGET, 60, sleep=waits.append).take()

    assert len(waits) == 4
    assert "hush" not in str(caught.value)


def test_nothing_left_means_waiting_for_the_end_of_the_window_once_that_is_known(
    connect: Connector, query: Callable[..., Any]
) -> None:
    ours, theirs = (RequestBudget(connect, BUDGET, 6000, window_seconds=30) for _ in range(2))
    ours.take()
    ours.note_remaining(3)
    theirs.take()
    theirs.note_remaining(0)
    assert query("select blocked_until is null from ops.request_budgets"), "no window was seen to begin"

    ours.take()
    ours.note_remaining(5999)
    theirs.take()
    theirs.note_remaining(0)

    assert query(
        "select blocked_until = window_started_at + interval '30 seconds' and blocked_until > clock_timestamp() "
        "from ops.request_budgets"
    )
    assert query("select last_remaining from ops.request_budgets") == 0


def test_a_reply_that_was_overtaken_tells_nothing(connect: Connector, query: Callable[..., Any]) -> None:
    slow, quick = (RequestBudget(connect, BUDGET, 6000) for _ in range(2))
    slow.take()
    quick.take()
    quick.note_remaining(5998)

    slow.note_remaining(0)

    assert query("select last_remaining from ops.request_budgets") == 5998


def test_a_budget_that_is_used_seldom_gives_its_connection_back(
    connect: Connector, query: Callable[..., Any]
) -> None:
    RequestBudget(connect, BUDGET, 0, stays_connected=False).take()

    _until(
        query,
        "select count(*) = 0 from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
    )


def test_no_pace_of_our_own_still_obeys_the_server(connect: Connector, query: Callable[..., Any]) -> None:
    budget = RequestBudget(connect, BUDGET, 0, sleep=threading.Event().wait)
    for _ in range(3):
        budget.take()
    budget.block(0.2)
    budget.take()

    assert query("select clock_timestamp() >= blocked_until from ops.request_budgets")


def test_budgets_do_not_slow_each_other(connect: Connector) -> None:
    def fail(_: float) -> None:
        raise AssertionError("waited for another budget")

    for org_id in ("1", "2", "3"):
        RequestBudget(connect, f"api.flexera.eu/{org_id}", 1, sleep=fail).take()


def _until(query: Callable[..., Any], condition: str) -> None:
    """Come back when the condition holds; pytest's timeout is the limit."""
    while not query(condition):
        threading.Event().wait(0.01)


def test_a_budget_remembers_for_all_that_its_server_has_answered(connect: Connector) -> None:
    first, second = RequestBudget(connect, "api/12345", 0), RequestBudget(connect, "api/12345", 0)
    other = RequestBudget(connect, "api/67890", 0)

    assert not first.has_answered()
    first.note_answer()

    assert second.has_answered()
    assert not other.has_answered()
