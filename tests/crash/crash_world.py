"""A whole system of its own: two PostgreSQL servers, the simulator and Airflow, any of which may be killed."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_parts import QUICK, AirflowParts
from airflow_place import api_of, environment_in, migrate
from looks import Looks

from chargeback.warehouse import migrations
from flexera_simulator.testing import running_simulator
from local_runtime import connections
from local_runtime.postgres import PostgresServer, free_port, is_free

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flexera_simulator.testing import RunningSimulator

SERVERS = ("warehouse", "metadata")
# Few licenses with many pages: with hosts and clusters, with users, and one that has no rows at all.
LICENSE_IDS = ["41201", "41204", "41206", "41210", "41235", "41242"]
PAGE_SIZE = 12
# So that reading the pages takes some seconds, and every request waits for its turn.
REQUESTS_PER_MINUTE = 600
# The processes die, the machine does not: its page cache stands in for the disk.
SERVER = {"fsync": "off", "shared_buffers": "64MB"}
PORT_SECONDS = 60.0


class CrashWorld:
    """What runs, and the handles to look at it, to kill parts of it and to bring them back."""

    def __init__(
        self,
        simulator: RunningSimulator,
        servers: dict[str, PostgresServer],
        environment: dict[str, str],
        folder: Path,
    ) -> None:
        self.folder = folder
        self.simulator = simulator
        self.servers = servers
        self.ports = {name: server.port for name, server in servers.items()}
        self.warehouse = Looks(servers["warehouse"].url("warehouse"))
        self.metadata = Looks(servers["metadata"].url("airflow"))
        self.parts = AirflowParts(environment, folder / "logs")
        self.api = api_of(folder, environment)
        self.snapshot_date = simulator.settings.day

    def conf(self, source: str = "api") -> dict[str, Any]:
        """The params of a run of the night."""
        return {
            "snapshot_date": self.snapshot_date.isoformat(),
            "source": source,
            "license_ids": LICENSE_IDS,
            "allow_partial": True,
        }

    def revive(self) -> list[str]:
        """Start what does not run, as a service manager would; returns the names of those."""
        down = [name for name, server in self.servers.items() if not server.is_running]
        for name in down:
            self._start_server(name)
        return down + self.parts.start()

    def _start_server(self, name: str) -> None:
        """Start a server where its clients look for it."""
        give_up_at = time.monotonic() + PORT_SECONDS
        while not is_free(self.ports[name]) and time.monotonic() < give_up_at:
            time.sleep(0.05)
        self.servers[name].start()
        assert self.servers[name].port == self.ports[name], f"the port of {name} was taken meanwhile"


@contextmanager
def crash_world(folder: Path) -> Iterator[CrashWorld]:
    """Start all of it in a folder of its own; stopped at the end, whatever happened."""
    servers = {name: PostgresServer(folder / name, SERVER, port=free_port()) for name in SERVERS}
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        for server in servers.values():
            stack.callback(server.release)
        list(threads.map(PostgresServer.start, servers.values()))
        simulator = stack.enter_context(
            running_simulator(requests_per_minute=0, page_size=PAGE_SIZE, date=datetime.now(UTC).date())
        )
        environment = _environment(folder, servers, simulator)
        migrating = threads.submit(migrate, environment, folder / "logs" / "migrate.log")
        migrations.upgrade(connections.warehouse_url(environment))
        migrating.result()
        world = CrashWorld(simulator, servers, environment, folder)
        stack.callback(world.parts.stop)
        world.parts.start()
        world.api.wait_until_healthy()
        yield world


def _environment(
    folder: Path, servers: dict[str, PostgresServer], simulator: RunningSimulator
) -> dict[str, str]:
    """What `make up` gives its parts, with quicker timeouts and nothing scheduled."""
    flexera = simulator.connection()
    flexera["extra"]["requests_per_minute"] = REQUESTS_PER_MINUTE
    warehouse = connections.postgres_connection(servers["warehouse"].create_database("warehouse"))
    settings = {
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        **QUICK,
        connections.FLEXERA: json.dumps(flexera),
        connections.WAREHOUSE: warehouse,
    }
    return environment_in(folder, servers["metadata"].create_database("airflow"), settings)
