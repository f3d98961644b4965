"""How long to be patient with a server: the one retry layer for requests."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from chargeback.plain_text import plain_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from chargeback.errors import ChargebackError, FinalError

T = TypeVar("T")

log = plain_logger(__name__)

TRIES = 6  # of one request that fails

# Of a request to an address where nothing has ever answered: it is wrong, and a person waits.
_TRIES_AT_UNKNOWN = 4
_LONGEST_SECONDS_AT_UNKNOWN = 40.0
_LONGEST_ADVICE_SECONDS = 60.0  # the request limit's window is one minute; any longer advice is a slip
_THROTTLED_SECONDS = 5.0


class TryAgain(Exception):  # noqa: N818 - it asks for something
    """An attempt failed, another may succeed; carries the error to raise when patience ends.

    `if_never_answered` is the error in its place where the server is not known to have ever answered.
    """

    def __init__(
        self,
        error: ChargebackError,
        wait_seconds: float | None = None,
        *,
        is_throttled: bool = False,
        if_never_answered: FinalError | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_seconds = wait_seconds
        self.is_throttled = is_throttled
        self.if_never_answered = if_never_answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Waits between attempts: the server's advice, else doubling with jitter.

    Being throttled is no failure, so it does not use up tries; it ends when the waits add up to too much.
    """

    tries: int = TRIES
    first_wait_seconds: float = 0.5
    longest_throttled_seconds: float = 600.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def call(
        self,
        attempt: Callable[[], T],
        wait_for_turn: Callable[[float], None],
        has_answered: Callable[[], bool],
    ) -> T:
        """The first result; raises the last attempt's error when patience ends.

        `wait_for_turn` is how to wait when throttled, `has_answered` knows whether the server has ever answered.
        """
        failure_count, throttled_count, throttled_seconds = 0, 0, 0.0
        began_at = self.clock()
        while True:
            try:
                return attempt()
            except TryAgain as again:
                if again.is_throttled:
                    seconds = self._throttled_wait(again, throttled_count)
                    throttled_count, throttled_seconds = throttled_count + 1, throttled_seconds + seconds
                    if throttled_seconds > self.longest_throttled_seconds:
                        raise again.error from again.__cause__
                    log.info("Next try in %.0f s or more, at %s: %s", seconds, _time_in(seconds), again.error)
                    wait_for_turn(seconds)
                else:
                    failure_count += 1
                    self._give_up(again, failure_count, began_at, has_answered)
                    seconds = self._failed_wait(again, failure_count)
                    log.info("Next try in %.1f s, at %s: %s", seconds, _time_in(seconds), again.error)
                    self.sleep(seconds)

    def _give_up(
        self, again: TryAgain, failure_count: int, began_at: float, has_answered: Callable[[], bool]
    ) -> None:
        """Raise where another try is one too many."""
        if again.if_never_answered is not None and not has_answered():
            is_over = self.clock() - began_at >= _LONGEST_SECONDS_AT_UNKNOWN
            if is_over or failure_count >= min(self.tries, _TRIES_AT_UNKNOWN):
                raise again.if_never_answered from again.__cause__
        elif failure_count >= self.tries:
            raise again.error from again.__cause__

    def _throttled_wait(self, again: TryAgain, count: int) -> float:
        advice = again.wait_seconds
        return _capped(_THROTTLED_SECONDS * 2.0 ** min(count, 10) if advice is None else max(advice, 1.0))

    def _failed_wait(self, again: TryAgain, count: int) -> float:
        if again.wait_seconds is not None:
            return _capped(again.wait_seconds)
        return _capped(self.first_wait_seconds * 2.0 ** (count - 1)) * (0.5 + self.jitter())


def _time_in(seconds: float) -> str:
    """The time of the clock after a wait."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%H:%M:%S} UTC"


def _capped(seconds: float) -> float:
    return min(seconds, _LONGEST_ADVICE_SECONDS)
