"""How many requests an organization may send in a window, and how many it did send."""

from __future__ import annotations

import datetime
import math
import threading
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

from flexera_simulator.envelope import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = "too many requests; see https://developer.flexera.com/docs/page/rate-limiting"
HOURS = 2 * 3600


@dataclass(slots=True)
class _Window:
    started_at: float
    request_count: int = 0
    accepted_count: int = 0
    other_count: int = 0


class RateLimiter:
    """Fixed windows, one per organization; a refused request does not use up the window."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()
        self.refused_count = 0
        self.max_accepted_in_window = 0
        self.max_requests_in_window = 0
        self.other_count = 0

    def take(
        self,
        org_id: str,
        limit: int,
        window_seconds: float,
        *,
        other_requests: int = 0,
        retry_after: str = "seconds",
    ) -> int | None:
        """Count one request; what remains of the window, None where there is no limit.

        Another integration sends one ahead of each of ours, until it has sent its own for this window.
        """
        with self._lock:
            window, now = self._window(org_id, window_seconds)
            self._let_others_in(window, other_requests, limit)
            window.request_count += 1
            self.max_requests_in_window = max(self.max_requests_in_window, window.request_count)
            if limit and window.accepted_count + window.other_count >= limit:
                self.refused_count += 1
                wait_seconds = max(math.ceil(window.started_at + window_seconds - now), 1)
                raise ApiError(429, MESSAGE, _advice(retry_after, wait_seconds))
            window.accepted_count += 1
            self.max_accepted_in_window = max(self.max_accepted_in_window, window.accepted_count)
            return limit - window.accepted_count - window.other_count if limit else None

    def reset(self) -> None:
        """Open new windows and forget the counts."""
        with self._lock:
            self._windows.clear()
            self.refused_count = self.max_accepted_in_window = self.max_requests_in_window = 0
            self.other_count = 0

    def _let_others_in(self, window: _Window, other_requests: int, limit: int) -> None:
        is_room = not limit or window.accepted_count + window.other_count < limit
        if is_room and window.other_count < other_requests:
            window.other_count += 1
            self.other_count += 1

    def _window(self, org_id: str, window_seconds: float) -> tuple[_Window, float]:
        now = self._clock()
        window = self._windows.get(org_id)
        if window is None or now >= window.started_at + window_seconds:
            window = self._windows[org_id] = _Window(now)
        return window, now


def _advice(form: str, wait_seconds: int) -> dict[str, str]:
    """The headers that say when to come back."""
    if form == "absent":
        return {}
    if form == "date":
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=wait_seconds)
        return {"retry-after": format_datetime(until, usegmt=True)}
    return {"retry-after": str(wait_seconds + (HOURS if form == "hours" else 0))}
