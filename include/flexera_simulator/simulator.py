"""The simulator's state: tenants, tokens, limits, counters, faults, profiles."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from flexera_simulator.demo_tenant import DemoTenant
from flexera_simulator.layers import Layers
from flexera_simulator.load_tenant import LoadTenant
from flexera_simulator.profiles import profile_named
from flexera_simulator.rate_limit import RateLimiter
from flexera_simulator.tokens import TokenOffice

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Sequence

    from flexera_simulator.faults import Fault
    from flexera_simulator.settings import Settings
    from flexera_simulator.tenant import Tenant


class Simulator:
    """One simulated Flexera One; safe to change while it answers."""

    def __init__(
        self,
        settings: Settings,
        profiles: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first_settings = settings
        self._first_profiles = tuple(profiles)
        self.tokens = TokenOffice(clock)
        self.limiter = RateLimiter(clock)
        self.lock = threading.RLock()
        self._tenants: dict[tuple[Any, ...], Tenant] = {}
        self._start()

    @property
    def settings(self) -> Settings:
        """The settings as they are now, profiles that are on among them."""
        return self._layers.settings

    def tenant(self, org_id: str, settings: Settings | None = None) -> Tenant:
        """The organization's tenant, as the present settings describe it, or those given."""
        settings = settings or self.settings
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
            self._layers.change(changes)

    def use_profile(self, name: str, license_id: str | None = None) -> list[Fault]:
        """Turn a profile on, or on anew; its faults, which tell how often they struck.

        A profile that disturbs one license takes the one named, else the one with the most rows.
        """
        profile = profile_named(name)
        with self.lock:
            self.drop_profile(name)
            if license_id is None and profile.is_about_one_license:
                license_id = self._license_with_most_rows(profile.tenant_settings)
            settings, faults = profile.applied(license_id or "", self.settings.slow_seconds)
            self._layers.add(name, settings)
            self.profiles[name] = faults
            self.faults.extend(faults)
        return faults

    def drop_profile(self, name: str) -> None:
        """Turn a profile off; what other profiles and later changes set stays."""
        profile_named(name)
        with self.lock:
            self._layers.remove(name)
            gone = {id(fault) for fault in self.profiles.pop(name, ())}
            self.faults[:] = [fault for fault in self.faults if id(fault) not in gone]

    def _license_with_most_rows(self, tenant_settings: dict[str, Any]) -> str:
        settings = self._layers.with_changes(tenant_settings)
        licenses: dict[str, Any] = self.tenant(settings.org[0], settings).totals(settings.day)["licenses"]
        return max(licenses, key=lambda license_id: licenses[license_id]["row_count"])

    def totals(self, day: datetime.date | None = None, org_id: str | None = None) -> dict[str, Any]:
        """What the model recharges on a day."""
        shown_day, shown_org = day or self.settings.day, org_id or self.settings.org[0]
        tenant = self.tenant(shown_org)
        with self.lock:
            figures = tenant.totals(shown_day)
        return {"org_id": shown_org, "date": shown_day.isoformat()} | figures

    def count_request(self, org_id: str, method: str, path: str, status: int) -> None:
        """Note one answered API request."""
        with self.lock:
            self.api_request_count += 1
            self.requests_by_method[method] += 1
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

    def delisted(self) -> frozenset[str | None]:
        """The licenses that faults have deleted."""
        with self.lock:
            return frozenset(fault.license for fault in self.faults if fault.delists and fault.struck_count)

    def next_look(self) -> int:
        """The number of a new look at the license list."""
        with self.lock:
            self.look_count += 1
            return self.look_count

    def next_order(self) -> int:
        """The number of an order of rows that no walk has met."""
        with self.lock:
            self.order_count += 1
            return self.order_count

    def expire_cursors(self) -> None:
        """Make every cursor handed out so far worthless."""
        with self.lock:
            self.cursor_epoch += 1

    def counters(self) -> dict[str, Any]:
        """What was asked of the simulator so far."""
        with self.lock:
            return {
                "api_requests": self.api_request_count,
                "token_requests": self.token_request_count,
                "tokens_issued": self.tokens.issued_count,
                "by_method": dict(self.requests_by_method),
                "by_org": dict(self.requests_by_org),
                "by_status": dict(self.requests_by_status),
                "by_path": dict(self.requests_by_path.most_common(1000)),
                "throttled": self.limiter.refused_count,
                "other_requests": self.limiter.other_count,
                "max_accepted_in_window": self.limiter.max_accepted_in_window,
                "max_requests_in_window": self.limiter.max_requests_in_window,
                "refused_writes": list(self.refused_writes),
            }

    def reset(self) -> None:
        """Go back to the settings and profiles at the start, without other faults or counts."""
        with self.lock:
            self.limiter.reset()
            self._start()

    def _start(self) -> None:
        self._layers = Layers(self._first_settings)
        self.faults: list[Fault] = []
        self.profiles: dict[str, list[Fault]] = {}
        self.look_count = self.order_count = self.cursor_epoch = 0
        self._clear_counts()
        for name in self._first_profiles:
            self.use_profile(name)

    def _clear_counts(self) -> None:
        self.api_request_count = 0
        self.token_request_count = 0
        self.requests_by_method: Counter[str] = Counter()
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
