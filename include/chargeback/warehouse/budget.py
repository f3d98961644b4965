"""The tenant's request budget, shared exactly and fairly by every process that spends it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2

from chargeback.errors import ConnectionLost
from chargeback.plain_text import plain
from chargeback.warehouse import locks

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# A server that counts in fixed windows sees requests when they arrive, not when they were sent. With two
# percent of air the first request of a window may be a second slower than the last, and the count still
# fits.
_MARGIN = 1.02
# How late a turn may be used without pushing back all that follow: this share of the spacing, at most so many
# seconds, which is far less than the air above.
_LATENESS = 0.5
_LONGEST_LATENESS_SECONDS = 0.05
# An idle connection is spoken to this often, so that a lost one is noticed and no firewall forgets it.
_LONGEST_SLEEP_SECONDS = 5.0
_SHORTEST_SLEEP_SECONDS = 0.0005
_CONNECT_TRIES = 5
# At our own pace the server hardly ever holds us back. Where it does for more than this share of its window before
# a single turn, others have used the limit up.
_STARVED_SHARE = 0.5
# What remains rises when a window ends. Replies overtake each other, so a small rise tells nothing.
_LEAST_RISE_SHARE = 0.25
_LEAST_RISE = 2

_OPEN = """
insert into ops.locks (name) values (%(name)s) on conflict do nothing;
insert into ops.request_budgets (budget_id) values (%(budget_id)s) on conflict do nothing
"""
_QUEUE = f"begin isolation level read committed; {locks.TAKE}"
_LEAVE = "commit"
_TAKE = """
with taken as (
    update ops.request_budgets
    set
        next_request_at = greatest(next_request_at, clock_timestamp() - %(lateness)s * interval '1 second')
            + %(spacing)s * interval '1 second',
        request_count = request_count + 1
    where budget_id = %(budget_id)s and greatest(next_request_at, blocked_until) <= clock_timestamp()
    returning request_count
)
select
    (select request_count from taken) as request,
    extract(epoch from greatest(next_request_at, blocked_until) - clock_timestamp())::float8 as wait_seconds,
    coalesce(blocked_until > greatest(next_request_at, clock_timestamp()), false) as is_held_back
from ops.request_budgets
where budget_id = %(budget_id)s
"""
_BLOCK = """
update ops.request_budgets
set
    blocked_until = greatest(blocked_until, clock_timestamp() + %(seconds)s * interval '1 second'),
    throttled_count = throttled_count + 1
where budget_id = %(budget_id)s
"""
_NOTE_ANSWER = """
update ops.request_budgets
set answered_at = clock_timestamp()
where budget_id = %(budget_id)s
"""
_HAS_ANSWERED = "select answered_at is not null from ops.request_budgets where budget_id = %(budget_id)s"
_NOTE = """
update ops.request_budgets
set
    noted_request = %(request)s,
    last_remaining = %(remaining)s,
    window_started_at = case
        when %(remaining)s - last_remaining >= %(rise)s then clock_timestamp()
        else window_started_at
    end,
    blocked_until = case
        when %(remaining)s > 0 then blocked_until
        else greatest(blocked_until, window_started_at + %(window)s * interval '1 second')
    end
where budget_id = %(budget_id)s and noted_request < %(request)s
"""


class RequestBudget:
    """Turns to send one request, `requests_per_minute` of them; 0 leaves the pace to the server.

    Who waits, queues for a row of ops.locks, which PostgreSQL hands on in order of arrival; who holds it waits
    for the next turn on the server's clock and takes it in one statement. A process that dies while waiting
    loses its connection and with it its place, and has spent nothing. `window_seconds` is how long the server
    counts requests before its window restarts. `connect` must lead to the server itself, not to a pooler that shares
    sessions. A budget that is used seldom need not stay connected.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        budget_id: str,
        requests_per_minute: int,
        *,
        window_seconds: float = 60.0,
        stays_connected: bool = True,
        on_starvation: Callable[[float], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect = connect
        self._on_starvation = on_starvation if requests_per_minute else None
        self._starved_seconds = window_seconds * _STARVED_SHARE
        self._sleep = sleep
        self._stays_connected = stays_connected
        self._connection: Any = None
        self._request = 0
        self._is_held_back = False
        spacing = 60.0 / requests_per_minute * _MARGIN if requests_per_minute else 0.0
        self._parameters: dict[str, object] = {
            "budget_id": budget_id,
            "name": f"request budget {budget_id}",
            "spacing": spacing,
            "lateness": min(spacing * _LATENESS, _LONGEST_LATENESS_SECONDS),
            "rise": max(int(requests_per_minute * _LEAST_RISE_SHARE), _LEAST_RISE),
            "window": window_seconds,
        }

    def take(self) -> None:
        """Wait for the next turn and use it. A turn used is spent, whatever becomes of the request.

        `on_starvation` is called once, when the server has held a turn back for more than half of its window, with
        the seconds so far; never where we have no pace of our own, since being held back is then how it works.
        """
        self._reliably(self._take)

    def block(self, seconds: float) -> None:
        """Let nobody send for that long; a longer block that stands is kept."""
        self._reliably(lambda: self._run(_BLOCK, seconds=seconds))

    def note_remaining(self, remaining: int) -> None:
        """Tell everyone what the server says is left of its window, in the reply to the last request.

        When nothing is left, nobody sends until that window ends: at our own pace this is the moment it ends
        anyway, and where another integration has spent the rest, it saves the refusal. When the window ends is
        known from the last time that what remains rose; until it was seen to rise, the server's refusal says it.
        """
        self._reliably(lambda: self._run(_NOTE, remaining=remaining, request=self._request))

    def note_answer(self) -> None:
        """Keep that the server gave a good answer, for all who spend this budget and for later."""
        self._reliably(lambda: self._run(_NOTE_ANSWER))

    def has_answered(self) -> bool:
        """Return whether the server has ever given one."""
        return bool(self._reliably(lambda: self._run(_HAS_ANSWERED))[0])

    def close(self) -> None:
        """Give the connection back; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self) -> None:
        held_back_seconds = 0.0
        try:
            self._run(_QUEUE)
            while (wait_seconds := self._try()) > 0:
                seconds = min(wait_seconds, _LONGEST_SLEEP_SECONDS)
                self._sleep(seconds)
                if self._is_held_back:
                    held_back_seconds += seconds
                    self._tell_starvation(held_back_seconds)
        except BaseException:
            self.close()  # a task that is stopped while it waits must not keep its place
            raise
        self._run(_LEAVE)

    def _tell_starvation(self, held_back_seconds: float) -> None:
        if self._on_starvation is not None and held_back_seconds > self._starved_seconds:
            tell, self._on_starvation = self._on_starvation, None
            tell(held_back_seconds)

    def _try(self) -> float:
        """Take the turn if it has come and return 0; else return the seconds until it comes."""
        request, wait_seconds, self._is_held_back = self._run(_TAKE)
        if request is None:
            return max(float(wait_seconds), _SHORTEST_SLEEP_SECONDS)
        self._request = request
        return 0.0

    def _reliably(self, work: Callable[[], T]) -> T:
        """Do the work, anew on a new connection where the old one was lost."""
        for number in range(1, _CONNECT_TRIES + 1):
            try:
                return self._and_close(work)
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                self.close()
                if number == _CONNECT_TRIES:
                    raise ConnectionLost(
                        f"Request budget {self._parameters['budget_id']}: the warehouse cannot be reached "
                        f"({_reason(error)}), so no request was sent. Check connection 'warehouse' and its server, "
                        "then try again."
                    ) from error
                self._sleep(0.5 * 2.0 ** (number - 1))
        raise AssertionError("unreachable")

    def _and_close(self, work: Callable[[], T]) -> T:
        """Do the work, and keep the connection only where the budget is used often."""
        try:
            return work()
        finally:
            if not self._stays_connected:
                self.close()

    def _run(self, statement: str, **parameters: object) -> Any:
        """The first row of one statement, None where it gives none."""
        if self._connection is None:
            self._connection = self._connect()
            self._execute(locks.STAY, {})
            self._execute(_OPEN, {})
        return self._execute(statement, parameters)

    def _execute(self, statement: str, parameters: dict[str, object]) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, {**self._parameters, **parameters})
            return cursor.fetchone() if cursor.description else None


def _reason(error: Exception) -> str:
    """What the driver says, without the lines of advice below it."""
    return plain(str(error).partition("\n")[0]) or "the connection ended"
