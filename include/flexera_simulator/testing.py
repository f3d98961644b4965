"""A simulator inside a test's own process."""

from __future__ import annotations

import datetime
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flexera_simulator.faults import Fault, fault_from
from flexera_simulator.server import bound_socket, server_for
from flexera_simulator.settings import Settings, changed
from flexera_simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Day = datetime.date | str


class RunningSimulator:
    """A simulator that answers on a local port."""

    def __init__(self, simulator: Simulator, url: str) -> None:
        self.simulator = simulator
        self.url = url

    @property
    def settings(self) -> Settings:
        return self.simulator.settings

    def connection(self, org_id: str | None = None) -> dict[str, Any]:
        """The Airflow connection `flexera` for this simulator, ready to be written as JSON."""
        settings = self.settings
        extra = {
            "org_id": org_id or settings.org[0],
            "api_url": self.url,
            "token_url": f"{self.url}/oidc/token",
            "requests_per_minute": settings.requests_per_minute,
        }
        return {
            "conn_type": "flexera",
            "login": settings.client_id,
            "password": settings.client_secret,
            "extra": extra,
        }

    def totals(self, day: Day | None = None, org_id: str | None = None) -> dict[str, Any]:
        """What the model recharges on a day."""
        return self.simulator.totals(_date(day), org_id)

    def api_request_count(self) -> int:
        """Requests under /fnms so far, refused ones among them."""
        return self.simulator.api_request_count

    def counters(self) -> dict[str, Any]:
        """Every counter of the simulator."""
        return self.simulator.counters()

    def refused_writes(self) -> list[dict[str, str]]:
        """Requests that tried to change the tenant."""
        return list(self.simulator.refused_writes)

    def set_date(self, day: Day) -> None:
        """Show the estate as it is on a day."""
        self.simulator.set(date=day)

    def set(self, **settings: Any) -> None:
        """Change settings while running."""
        self.simulator.set(**settings)

    def add_fault(self, **rule: Any) -> Fault:
        """Order a fault; its `struck_count` tells how often it struck."""
        fault = fault_from(rule)
        with self.simulator.lock:
            self.simulator.faults.append(fault)
        return fault

    def use_profile(self, name: str, license_id: object = None) -> list[Fault]:
        """Turn a profile on; its faults tell how often they struck."""
        return self.simulator.use_profile(name, None if license_id is None else str(license_id))

    def drop_profile(self, name: str) -> None:
        """Turn a profile off."""
        self.simulator.drop_profile(name)

    def clear_faults(self) -> None:
        """Call off every fault."""
        with self.simulator.lock:
            self.simulator.faults.clear()

    def revoke_tokens(self) -> None:
        """Make every access token issued so far worthless."""
        self.simulator.tokens.revoke_all()

    def reset(self) -> None:
        """Go back to the settings and profiles at the start, without other faults or counts."""
        self.simulator.reset()


@contextmanager
def running_simulator(
    *,
    profile: str | Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> Iterator[RunningSimulator]:
    """Run a simulator on a free port for as long as the block lasts.

    Tokens and request limits go by `clock`; `profile` names one or several profiles that are on from the start.
    """
    profiles = (profile,) if isinstance(profile, str) else profile
    simulator = Simulator(changed(Settings(), settings), profiles, clock)
    listener = bound_socket("127.0.0.1", 0)
    server = server_for(simulator)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield RunningSimulator(simulator, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def _wait_until_started(server: Any, thread: threading.Thread) -> None:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the simulator did not start")
        time.sleep(0.005)


def _date(day: Day | None) -> datetime.date | None:
    return datetime.date.fromisoformat(day) if isinstance(day, str) else day
