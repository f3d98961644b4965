"""The simulator's state: tenants, tokens, limits, counters, faults."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from flexera_simulator.demo_tenant import DemoTenant
from flexera_simulator.load_tenant import LoadTenant
from flexera_simulator.rate_limit import RateLimiter
from flexera_simulator.settings import Settings, changed
from flexera_simulator.tokens import TokenOffice

if TYPE_CHECKING:
    import datetime

    from flexera_simulator.faults import Fault
    from flexera_simulator.tenant import Tenant


class Simulator:
    """One simulated Flexera One; safe to change while it answers."""

    def __init__(self, settings: Settings) -> None:
        self._first_settings = settings
        self.settings = settings
        self.tokens = TokenOffice(time.monotonic)
        self.limiter = RateLimiter(time.monotonic)
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self._tenants: dict[tuple[Any, ...], Tenant] = {}
        self._clear_counts()

    def tenant(self, org_id: str) -> Tenant:
        """The organization's tenant, as the present settings describe it."""
        settings = self.settings
        key = (org_id, settings.tenant, settings.seed, settings.licenses, settings.rows)
        with self.lock:
            if key not in self._tenants:
                self._tenants[key] = build_tenant(settings, org_id)
            return self._tenants[key]

    def prepare(self) -> None:
        """Build what the first requests will ask for."""
        for org_id in self.settings.org:
            self.tenant(org_id).row_count(self.settings.day, "")

    def set(self, **changes: Any) -> None:
        """Change settings while running."""
        with self.lock:
            self.settings = changed(self.settings, changes)

    def totals(self, day: datetime.date | None = None, org_id: str | None = None) -> dict[str, Any]:
        """What the model recharges on a day."""
        shown_day, shown_org = day or self.settings.day, org_id or self.settings.org[0]
        tenant = self.tenant(shown_org)
        with self.lock:
            figures = tenant.totals(shown_day)
        return {"org_id": shown_org, "date": shown_day.isoformat()} | figures

    def count_request(self, org_id: str, path: str, status: int) -> None:
        """Note one answered API request."""
        with self.lock:
            self.api_request_count += 1
            self.requests_by_org[org_id] += 1
            self.requests_by_status[str(status)] += 1
            self.requests_by_path[path] += 1

    def count_refused_write(self, method: str, path: str) -> None:
        """Note a request that would have changed the tenant."""
        with self.lock:
            self.refused_writes.append({"method": method, "path": path})

    def take_fault(self, method: str, path: str, license_id: str | None, page: int) -> Fault | None:
        """The first fault that fits, used up by one."""
        with self.lock:
            return next(
                (fault for fault in self.faults if fault.strikes(method, path, license_id, page)), None
            )

    def counters(self) -> dict[str, Any]:
        """What was asked of the simulator so far."""
        with self.lock:
            return {
                "api_requests": self.api_request_count,
                "token_requests": self.token_request_count,
                "tokens_issued": self.tokens.issued_count,
                "by_org": dict(self.requests_by_org),
                "by_status": dict(self.requests_by_status),
                "by_path": dict(self.requests_by_path.most_common(1000)),
                "throttled": self.limiter.refused_count,
                "max_accepted_in_window": self.limiter.max_accepted_in_window,
                "max_requests_in_window": self.limiter.max_requests_in_window,
                "refused_writes": list(self.refused_writes),
            }

    def reset(self) -> None:
        """Go back to the settings at the start, without faults or counts."""
        with self.lock:
            self.settings = self._first_settings
            self.faults.clear()
            self.limiter.reset()
            self._clear_counts()

    def _clear_counts(self) -> None:
        self.api_request_count = 0
        self.token_request_count = 0
        self.requests_by_org: Counter[str] = Counter()
        self.requests_by_status: Counter[str] = Counter()
        self.requests_by_path: Counter[str] = Counter()
        self.refused_writes: list[dict[str, str]] = []


def build_tenant(settings: Settings, org_id: str) -> Tenant:
    """The tenant the settings name; each organization has its own estate."""
    number = settings.org.index(org_id) if org_id in settings.org else 0
    seed = settings.seed + number
    return (
        DemoTenant(seed) if settings.tenant == "demo" else LoadTenant(settings.licenses, settings.rows, seed)
    )
