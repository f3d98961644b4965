"""A running simulator and a plain caller that knows nothing of the pipeline."""

from __future__ import annotations

import json
from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flexera_simulator.testing import RunningSimulator, running_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = "2026-11-24"


class Caller:
    """Reads the API over HTTP with the default service account."""

    def __init__(self, simulator: RunningSimulator, org_id: str = "12345") -> None:
        self.simulator = simulator
        self.http = httpx.Client(base_url=simulator.url, timeout=10)
        self.path = f"/fnms/v1/orgs/{org_id}/licenses"
        self.sign_in()

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self) -> None:
        fields = {
            "grant_type": "client_credentials",
            "client_id": "demo-client",
            "client_secret": "demo-secret",
        }
        token = self.http.post("/oidc/token", data=fields).json()["access_token"]
        self.http.headers["authorization"] = f"Bearer {token}"

    def get(self, path: str | None = None, **params: Any) -> httpx.Response:
        return self.http.get(self.path if path is None else path, params=params or None)

    def licenses(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = exact(self.get())
        return found

    def pages(self, license_id: object, **params: Any) -> Iterator[dict[str, Any]]:
        path: str | None = f"{self.path}/{license_id}/consumption"
        page = exact(self.get(path, **params))
        yield page
        while "nextPage" in page:
            page = exact(self.get(page["nextPage"]))
            yield page

    def rows(self, license_id: object, **params: Any) -> list[dict[str, Any]]:
        return [row for page in self.pages(license_id, **params) for row in page["values"]]

    def consumption(self, license_id: object, **params: Any) -> httpx.Response:
        return self.get(f"{self.path}/{license_id}/consumption", **params)


def exact(response: httpx.Response) -> Any:
    """A good answer's JSON with every number exact."""
    assert response.status_code == 200, response.text
    return json.loads(response.text, parse_float=Decimal, parse_int=Decimal)


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningSimulator]:
    """The demo tenant without a request limit, shared by a file's tests; they leave its settings alone."""
    with running_simulator(date=DAY, requests_per_minute=0) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def caller(demo: RunningSimulator) -> Iterator[Caller]:
    with Caller(demo) as found:
        yield found


@pytest.fixture(scope="session")
def reader() -> type[Caller]:
    """The caller's class, for simulators a test runs itself."""
    return Caller


@pytest.fixture(scope="session")
def shared() -> Iterator[RunningSimulator]:
    """The simulator behind `call`: a small load tenant, as starting one for each test would take long."""
    with running_simulator(date=DAY, tenant="load", licenses=5, rows=100, requests_per_minute=0) as simulator:
        yield simulator


@pytest.fixture
def call(shared: RunningSimulator) -> Iterator[Callable[..., Caller]]:
    """Changes the shared simulator's settings for one test and returns a caller."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Caller:
            shared.set(**settings)
            return stack.enter_context(Caller(shared))

        yield start
        shared.reset()
