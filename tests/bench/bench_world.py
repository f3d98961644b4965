"""What measures share: a PostgreSQL server, fresh warehouses on it, tenants and their pages."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from chargeback.flexera import FieldMap, FlexeraClient
from chargeback.settings import FlexeraSettings
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse import migrations
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_runtime.postgres import PostgresServer

HERE = Path(__file__).resolve().parent
FIELD_MAP = HERE.parents[1] / "include" / "config" / "field_map.yaml"
ORG_ID = "12345"
LICENSE_ID = "500001"  # the first, and where there is one the only, license of the load tenant
CONSUMPTION = f"/fnms/v1/orgs/{ORG_ID}/licenses/{LICENSE_ID}/consumption"
LOGIN = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
START_SECONDS = 60.0


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
    def simulator(self, *, licenses: int, rows: int, page_size: int) -> Iterator[str]:
        """The address of a Flexera One of so many rows, without a rate limit, in a process of its own."""
        options = {"licenses": licenses, "rows": rows, "page-size": page_size, "requests-per-minute": 0}
        command = [sys.executable, "-m", "flexera_simulator", "--tenant=load", "--no-gzip"]
        with self._served([*command, *(f"--{name}={value}" for name, value in options.items())]) as url:
            yield url

    @contextmanager
    def pages(self, rows: int, page_size: int) -> Iterator[str]:
        """The address of a server that replays one license of so many rows, captured from the simulator."""
        captured = self.captured(rows, page_size)
        with self._served([sys.executable, str(HERE / "page_server.py"), f"--pages={captured}"]) as url:
            yield url

    def captured(self, rows: int, page_size: int) -> Path:
        """The folder of the bodies the simulator gives for one license of so many rows, one file per page."""
        folder = self.folder / f"pages_{rows}_by_{page_size}"
        if not folder.exists():
            folder.mkdir()
            with self.simulator(licenses=1, rows=rows, page_size=page_size) as url:
                _capture(url, folder)
        return folder

    @contextmanager
    def client(self, database: Database, url: str) -> Iterator[FlexeraClient]:
        """A client as a task has it, without a rate limit."""
        settings = FlexeraSettings(
            org_id=ORG_ID,
            client_id=LOGIN["client_id"],
            secret=LOGIN["client_secret"],
            api_url=url,
            token_url=f"{url}/oidc/token",
            requests_per_minute=0,
        )
        budget = RequestBudget(database.raw_connection, settings.budget_id, 0)
        with requests.Session() as session:
            yield FlexeraClient.over(session, settings, budget)

    @contextmanager
    def _served(self, command: list[str]) -> Iterator[str]:
        """The address of a server in a process of its own; it writes its port into a file once it listens."""
        port_file = self.folder / f"port_{next(self._names)}"
        arguments = [*command, "--port=0", f"--port-file={port_file}"]
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(port_file, process)
                yield f"http://127.0.0.1:{int(port_file.read_text())}"
            finally:
                process.kill()


def open_load(database: Database) -> int:
    """A load of today, ready to be staged."""
    today = datetime.now(UTC).date()
    request = LoadRequest(org_id=ORG_ID, snapshot_date=today, today=today, source="api")
    return loads.open_load(database, request)


def seconds_of(work: Any, *arguments: object) -> float:
    """How long one call takes."""
    started_at = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started_at


def value(database: Database, statement: str) -> Any:
    """The one value a statement gives."""
    with closing(database.raw_connection()) as driver, driver.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """All rows a statement gives."""
    with closing(database.raw_connection()) as driver, driver.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def expect(found: object, wanted: object, what: str) -> None:
    """Refuse to time work that was not done."""
    if found != wanted:
        raise AssertionError(f"{what}: {found}, not {wanted}")


def _capture(url: str, folder: Path) -> None:
    token = requests.post(f"{url}/oidc/token", data=LOGIN, timeout=60).json()["access_token"]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    path: str | None = CONSUMPTION
    for number in itertools.count(1):
        if path is None:
            break
        answer = session.get(url + path, timeout=600)
        answer.raise_for_status()
        (folder / f"{number:05d}.json").write_bytes(answer.content)
        path = answer.json().get("nextPage")


def _wait_for(port_file: Path, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError(f"{process.args!r} did not start")
        time.sleep(0.02)
