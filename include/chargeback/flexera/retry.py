"""How long to be patient with a server: the one retry layer for requests."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from chargeback.plain_text import plain_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from chargeback.errors import ChargebackError

T = TypeVar("T")

log = plain_logger(__name__)

TRIES = 6  # of one request that fails

_LONGEST_ADVICE_SECONDS = 60.0  # the request limit's window is one minute; any longer advice is a slip
_THROTTLED_SECONDS = 5.0


class TryAgain(Exception):  # noqa: N818 - it asks for something
    """An attempt failed, another may succeed; carries the error to raise when patience ends."""

    def __init__(
        self, error: ChargebackError, wait_seconds: float | None = None, *, is_throttled: bool = False
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_seconds = wait_seconds
        self.is_throttled = is_throttled


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

    def call(self, attempt: Callable[[], T], wait_for_turn: Callable[[float], None]) -> T:
        """The first result; raises the last attempt's error when patience ends.

        `wait_for_turn` is how to wait when throttled.
        """
        failure_count, throttled_count, throttled_seconds = 0, 0, 0.0
        while True:
            try:
                return attempt()
            except TryAgain as again:
                if again.is_throttled:
                    seconds = self._throttled_wait(again, throttled_count)
                    throttled_count, throttled_seconds = throttled_count + 1, throttled_seconds + seconds
                    if throttled_seconds > self.longest_throttled_seconds:
                        raise again.error from again.__cause__
                    log.info("Waits at least %.0f s before it asks again: %s", seconds, again.error)
                    wait_for_turn(seconds)
                else:
                    failure_count += 1
                    if failure_count >= self.tries:
                        raise again.error from again.__cause__
                    seconds = self._failed_wait(again, failure_count)
                    log.info("Asks again in %.1f s: %s", seconds, again.error)
                    self.sleep(seconds)

    def _throttled_wait(self, again: TryAgain, count: int) -> float:
        advice = again.wait_seconds
        return _capped(_THROTTLED_SECONDS * 2.0 ** min(count, 10) if advice is None else max(advice, 1.0))

    def _failed_wait(self, again: TryAgain, count: int) -> float:
        if again.wait_seconds is not None:
            return _capped(again.wait_seconds)
        return _capped(self.first_wait_seconds * 2.0 ** (count - 1)) * (0.5 + self.jitter())


def _capped(seconds: float) -> float:
    return min(seconds, _LONGEST_ADVICE_SECONDS)
