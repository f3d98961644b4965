"""How many requests an organization may send in a window, and how many it did send."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flexera_simulator.envelope import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = "too many requests; see https://developer.flexera.com/docs/page/rate-limiting"


@dataclass(slots=True)
class _Window:
    started_at: float
    request_count: int = 0
    accepted_count: int = 0


class RateLimiter:
    """Fixed windows, one per organization; a refused request does not use up the window."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()
        self.refused_count = 0
        self.max_accepted_in_window = 0
        self.max_requests_in_window = 0

    def take(self, org_id: str, limit: int, window_seconds: float) -> int | None:
        """Count one request; what remains of the window, None where there is no limit."""
        with self._lock:
            window, now = self._window(org_id, window_seconds)
            window.request_count += 1
            self.max_requests_in_window = max(self.max_requests_in_window, window.request_count)
            if limit and window.accepted_count >= limit:
                self.refused_count += 1
                wait_seconds = max(math.ceil(window.started_at + window_seconds - now), 1)
                raise ApiError(429, MESSAGE, {"retry-after": str(wait_seconds)})
            window.accepted_count += 1
            self.max_accepted_in_window = max(self.max_accepted_in_window, window.accepted_count)
            return limit - window.accepted_count if limit else None

    def reset(self) -> None:
        """Open new windows and forget the counts."""
        with self._lock:
            self._windows.clear()
            self.refused_count = self.max_accepted_in_window = self.max_requests_in_window = 0

    def _window(self, org_id: str, window_seconds: float) -> tuple[_Window, float]:
        now = self._clock()
        window = self._windows.get(org_id)
        if window is None or now >= window.started_at + window_seconds:
            window = self._windows[org_id] = _Window(now)
        return window, now
