"""What measures share: a PostgreSQL server, fresh warehouses on it, and pages to read."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from chargeback.flexera import FieldMap, FlexeraClient
from chargeback.settings import FlexeraSettings
from chargeback.steps import loads
from chargeback.steps.loads import LoadRequest
from chargeback.warehouse import migrations
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database
from flexera_simulator.testing import running_simulator
from local_runtime.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_runtime.postgres import PostgresServer

FIELD_MAP = Path(__file__).resolve().parents[2] / "include" / "config" / "field_map.yaml"
ORG_ID = "12345"


class BenchWorld:
    """Where measures run. `scale` divides every size: 1 for the real figures, more for a trial."""

    def __init__(self, server: PostgresServer, folder: Path, scale: int) -> None:
        self.server = server
        self.folder = folder
        self.scale = scale
        self.field_map = FieldMap.read(FIELD_MAP)
        self._names = itertools.count(1)

    def rows(self, count: int) -> int:
        """A size of the real run, at this world's scale."""
        return max(count // self.scale, 1)

    def warehouse(self) -> Database:
        """An empty warehouse of the newest schema."""
        url = self.server.create_database(f"warehouse_{next(self._names)}")
        url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        migrations.upgrade(url)
        return Database.connect(url)

    @contextmanager
    def pages(self, page_size: int) -> Iterator[str]:
        """The address of a server whose licenses have as many pages of this size as their id says."""
        body = self.folder / f"page_{page_size}.json"
        if not body.exists():
            body.write_bytes(_rendered_page(page_size))
        port = free_port()
        command = [sys.executable, str(Path(__file__).with_name("page_server.py")), str(body), str(port)]
        with subprocess.Popen(command) as process:
            try:
                _wait_until_open(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.kill()

    @contextmanager
    def client(self, database: Database, url: str, requests_per_minute: int = 0) -> Iterator[FlexeraClient]:
        """A client as a task has it."""
        settings = FlexeraSettings(
            org_id=ORG_ID,
            client_id="demo-client",
            secret="demo-secret",  # noqa: S106 - the simulator's
            api_url=url,
            token_url=f"{url}/oidc/token",
            requests_per_minute=requests_per_minute,
        )
        budget = RequestBudget(database.raw_connection, settings.budget_id, requests_per_minute)
        with requests.Session() as session:
            yield FlexeraClient.over(session, settings, budget)


def open_load(database: Database, day: date | None = None) -> int:
    """A load of a date, ready to be staged."""
    today = datetime.now(UTC).date()
    request = LoadRequest(org_id=ORG_ID, snapshot_date=day or today, today=today, source="api")
    return loads.open_load(database, request)


def seconds_of(work: object, *arguments: object) -> float:
    """How long one call takes."""
    started_at = time.perf_counter()
    work(*arguments)  # type: ignore[operator]
    return time.perf_counter() - started_at


def _rendered_page(page_size: int) -> bytes:
    """The first page of a license with more rows than one page holds."""
    with running_simulator(
        tenant="load",
        licenses=1,
        rows=page_size + 1,
        page_size=page_size,
        max_page_size=page_size,
        gzip=False,
        requests_per_minute=0,
    ) as simulator:
        form = {
            "grant_type": "client_credentials",
            "client_id": "demo-client",
            "client_secret": "demo-secret",
        }
        token = requests.post(f"{simulator.url}/oidc/token", data=form, timeout=60).json()["access_token"]
        path = f"/fnms/v1/orgs/{ORG_ID}/licenses/500001/consumption?limit={page_size}"
        answer = requests.get(simulator.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=600)
        answer.raise_for_status()
        return answer.content


def _wait_until_open(port: int) -> None:
    while True:
        with suppress(requests.ConnectionError):
            requests.post(f"http://127.0.0.1:{port}/oidc/token", data={"a": "b"}, timeout=10)
            return
        time.sleep(0.05)
