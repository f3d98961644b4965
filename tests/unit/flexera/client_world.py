"""What a test of the client has to do with: server, clock, budget, session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scripted_server import TOKEN_PATH

from chargeback.flexera import FlexeraClient
from chargeback.settings import FlexeraSettings

if TYPE_CHECKING:
    import requests
    from scripted_server import ScriptedServer

SECRET = "s3cret-of-the-account"


@dataclass
class Clock:
    """Time as the test tells it."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass
class OpenBudget:
    """A budget without a limit, which remembers what it was told."""

    clock: Clock
    taken: int = 0
    blocks: list[float] = field(default_factory=list)
    remaining: list[int] = field(default_factory=list)
    is_known: bool = False

    def take(self) -> None:
        self.taken += 1

    def block(self, seconds: float) -> None:
        self.blocks.append(seconds)
        self.clock.now += seconds

    def note_remaining(self, remaining: int) -> None:
        self.remaining.append(remaining)

    def note_answer(self) -> None:
        self.is_known = True

    def has_answered(self) -> bool:
        return self.is_known


@dataclass
class World:
    """Everything a test of the client has to do with."""

    server: ScriptedServer
    clock: Clock
    budget: OpenBudget
    session: requests.Session

    def settings(self, **changes: Any) -> FlexeraSettings:
        values: dict[str, Any] = {
            "org_id": "12345",
            "client_id": "account",
            "secret": SECRET,
            "api_url": self.server.url,
            "token_url": self.server.url + TOKEN_PATH,
            "timeout_seconds": 5.0,
        }
        return FlexeraSettings(**(values | changes))

    def client(self, **changes: Any) -> FlexeraClient:
        settings = self.settings(**changes)
        return FlexeraClient.over(
            self.session, settings, self.budget, clock=self.clock, sleep=self.clock.sleep
        )
