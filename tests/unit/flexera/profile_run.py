"""The real client reads a simulator's whole tenant, as the nightly job does, and what comes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from chargeback.errors import ChargebackError, LicenseGone
from chargeback.flexera import FlexeraClient
from chargeback.settings import FlexeraSettings

if TYPE_CHECKING:
    from flexera_simulator.testing import RunningSimulator

Row = dict[str, Any]
STORING_SECONDS = 1.0  # what a page takes to be stored, by the clock of the test


class Time:
    """The clock of client and server: it runs as any, and jumps where somebody would sleep."""

    def __init__(self) -> None:
        self.jumped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.jumped

    def sleep(self, seconds: float) -> None:
        self.jumped += seconds


class Budget:
    """No limit of its own; it remembers for how long the server sent it away."""

    def __init__(self, clock: Time) -> None:
        self._clock = clock
        self.blocks: list[float] = []

    def take(self) -> None:
        """At once."""

    def block(self, seconds: float) -> None:
        self.blocks.append(seconds)
        self._clock.sleep(seconds)

    def note_remaining(self, remaining: int) -> None:
        """Nobody to tell."""

    def note_answer(self) -> None:
        """Nobody to tell."""

    def has_answered(self) -> bool:
        return False


@dataclass
class Reading:
    """What came out of one look at the whole tenant."""

    licenses: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    pages: dict[str, list[bytes]] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    failed: dict[str, ChargebackError] = field(default_factory=dict)
    list_pages: list[bytes] = field(default_factory=list)
    list_error: ChargebackError | None = None
    blocks: list[float] = field(default_factory=list)

    @property
    def license_ids(self) -> list[str]:
        return [str(license_["id"]) for license_ in self.licenses]

    @property
    def bodies(self) -> list[bytes]:
        """Every page of every license."""
        return [body for bodies in self.pages.values() for body in bodies]

    @property
    def all_rows(self) -> list[Row]:
        return [row for rows in self.rows.values() for row in rows]


def read(simulator: RunningSimulator, clock: Time, *, timeout: float, **extra: Any) -> Reading:
    """Read the license list and each license; one that fails does not stop the others."""
    connection = simulator.connection()
    settings = FlexeraSettings.from_connection(
        connection["login"], connection["password"], connection["extra"] | {"timeout": timeout} | extra
    )
    budget, reading = Budget(clock), Reading()
    with requests.Session() as session:
        client = FlexeraClient.over(session, settings, budget, clock=clock, sleep=clock.sleep)
        try:
            for page in client.license_pages():
                reading.list_pages.append(page.body)
                reading.licenses.extend(page.rows)
        except ChargebackError as error:
            reading.list_error = error
            return reading
        for license_id in reading.license_ids:
            _read_license(client, clock, reading, license_id)
    reading.blocks = budget.blocks
    return reading


def _read_license(client: FlexeraClient, clock: Time, reading: Reading, license_id: str) -> None:
    rows, pages = reading.rows.setdefault(license_id, []), reading.pages.setdefault(license_id, [])
    try:
        for page in client.consumption_pages(license_id):
            pages.append(page.body)
            rows.extend(page.rows)
            clock.sleep(STORING_SECONDS)
    except LicenseGone as error:
        reading.gone[license_id] = str(error)
    except ChargebackError as error:
        reading.failed[license_id] = error
