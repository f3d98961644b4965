"""Airflow as docker-compose.yaml has it, without Docker: a broker, Celery workers, and everything around them.

Each part is a process of its own with what its service has in the file: the executor, the broker with a password and
its journal, the database as result backend. One machine stands in for several, so each worker has a name of its own
and its own port for logs.
"""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_parts import PARTS, QUICK, AirflowParts
from airflow_place import api_of, environment_in, migrate
from broker import running_broker
from celery import Celery
from compose_file import ENVIRONMENT, resolved
from looks import Looks

from chargeback.warehouse import migrations
from flexera_simulator.testing import running_simulator
from local_runtime import connections
from local_runtime.postgres import PostgresServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flexera_simulator.testing import RunningSimulator

WORKERS = ("worker-1", "worker-2")
# Two tasks to a worker, and four slots in the pool: both workers read licenses at the same time.
CONCURRENCY = "2"
# The limit of a tenant in a sixth of its time: 10 requests a second, refused beyond 60 in 6 seconds.
WINDOW_SECONDS = 6.0
REQUESTS_IN_WINDOW = 60
REQUESTS_PER_MINUTE = 600
PAGE_SIZE = 12
# With hosts and clusters, with users, and one that has no rows at all; several pages each.
LICENSE_IDS = ["41201", "41202", "41204", "41206", "41210", "41211", "41235", "41242"]
RUN_SECONDS = 240.0
TASKS_AT_WORK = """
select task_id, map_index from task_instance
where state = 'running' and pid = any(%(pids)s) and dag_id like 'license_chargeback%%'
"""
SERVER = {"fsync": "off", "shared_buffers": "64MB", "max_connections": "200"}
# What Airflow waits minutes for, it waits seconds for here. Nothing else differs from docker-compose.yaml.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "30",
}
AS_IN_COMPOSE = ("AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CELERY__BROKER_URL")
# Airflow tries a task again after one to fifteen minutes: the failed try is dated back, so that it does so now.
RETRY_NOW = """
update task_instance set end_date = end_date - interval '1 hour'
where state = 'up_for_retry' and end_date > now() - interval '30 minutes'
returning task_id, map_index
"""


class FleetWorld:
    """What runs, and the handles to look at it and to kill a worker."""

    def __init__(self, folder: Path, server: PostgresServer, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.warehouse = Looks(server.url("warehouse"))
        self.metadata = Looks(server.url("airflow"))
        parts = PARTS | {name: _worker(name) for name in WORKERS}
        self.parts = AirflowParts(environment, folder / "logs", parts)
        self._apis = {
            conn_id: api_of(folder, environment, f"license_chargeback{conn_id.removeprefix('flexera')}")
            for conn_id in TENANTS
        }

    def wait_until_healthy(self) -> None:
        for api in self._apis.values():
            api.wait_until_healthy()

    def wait_for_workers(self) -> None:
        """Wait until every worker takes tasks; one that was killed takes a while to come back on a busy machine."""
        with Celery(broker=self.environment["AIRFLOW__CELERY__BROKER_URL"]) as broker:
            self.wait(
                lambda: len(broker.control.ping(timeout=1.0)) == len(WORKERS),
                RUN_SECONDS,
                "not every worker answers",
            )

    def begin(self, conn_id: str, **conf: object) -> str:
        """Trigger the night of an organization; returns the id of the run."""
        return self._apis[conn_id].trigger(
            {"source": "api", "license_ids": LICENSE_IDS, "allow_partial": True, **conf}
        )

    def keep_connection(self, conn_id: str, connection: str) -> None:
        """Keep a connection in Airflow's own database, as an operator does in the UI."""
        self._apis["flexera"].keep_connection(conn_id, connection)

    def is_healthy(self, part: str) -> bool:
        """True for a part of Airflow that reports health."""
        return self._apis["flexera"].is_healthy(part)

    def ends(self, run_id: str, conn_id: str = "flexera") -> str:
        """Wait for the end of a run; returns how it ended."""

        def final_state() -> str:
            self.metadata.rows(RETRY_NOW)
            state = self._apis[conn_id].state(run_id)
            return state if state in ("success", "failed") else ""

        return str(self.wait(final_state, RUN_SECONDS, f"run {run_id} has not ended"))

    def log_of(self, run_id: str, task_id: str) -> str:
        """The log of a task's first try as Airflow shows it."""
        return self._apis["flexera"].log(run_id, task_id)

    def tasks_of(self, worker: str) -> list[tuple[str, int]]:
        """The tasks that a worker is at, as name and map index."""
        rows = self.metadata.rows(TASKS_AT_WORK, pids=self.parts.pids(worker))
        return [(row["task_id"], row["map_index"]) for row in rows]

    def wait(self, is_so: Callable[[], Any], seconds: float, complaint: str) -> Any:
        """Wait until something is so, and return it."""
        give_up_at = time.monotonic() + seconds
        while not (found := is_so()):
            assert time.monotonic() < give_up_at, (
                f"{complaint} after {seconds:.0f} s; logs: {self.folder}/logs"
            )
            time.sleep(0.05)
        return found


# The organizations by their connections: the same license ids, and other machines, users and figures.
TENANTS: dict[str, dict[str, Any]] = {
    "flexera": {"org": ("12345",), "seed": 1},
    "flexera_emea": {"org": ("67890",), "seed": 2},
}


def tenant(conn_id: str, requests_in_window: int = REQUESTS_IN_WINDOW) -> Any:
    """A simulator of one organization that refuses what is beyond its limit, as Flexera One does; 0: no limit."""
    return running_simulator(
        **TENANTS[conn_id],
        requests_per_minute=requests_in_window,
        window_seconds=WINDOW_SECONDS,
        page_size=PAGE_SIZE,
        date=datetime.now(UTC).date(),
    )


def connection_to(simulator: RunningSimulator) -> str:
    """The Airflow connection to a tenant, at the pace its limit allows."""
    flexera = simulator.connection()
    flexera["extra"]["requests_per_minute"] = REQUESTS_PER_MINUTE
    return json.dumps(flexera)


@contextmanager
def fleet_world(folder: Path, named: dict[str, str]) -> Iterator[FleetWorld]:
    """Start all of it in a folder of its own, with these connections and variables; stopped at the end."""
    password = secrets.token_hex(8)
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        server = stack.enter_context(PostgresServer(folder / "postgres", SERVER, port=free_port()))
        broker_port = stack.enter_context(running_broker(folder / "broker", password))
        environment = _environment(folder, server, broker_port, password, named)
        migrating = threads.submit(migrate, environment, folder / "logs" / "migrate.log")
        migrations.upgrade(connections.warehouse_url(environment))
        migrating.result()
        world = FleetWorld(folder, server, environment)
        stack.callback(world.parts.stop)
        world.parts.start()
        world.wait_until_healthy()
        yield world


def _environment(
    folder: Path, server: PostgresServer, broker_port: int, password: str, named: dict[str, str]
) -> dict[str, str]:
    metadata_url = server.create_database("airflow")
    theirs = resolved(
        {name: ENVIRONMENT[name] for name in AS_IN_COMPOSE},
        {"BROKER_PASSWORD": password},
    )
    broker_url = theirs["AIRFLOW__CELERY__BROKER_URL"].replace("@broker:6379", f"@127.0.0.1:{broker_port}")
    settings = {
        **QUICK,
        **IMPATIENT,
        **theirs,
        "AIRFLOW__CELERY__BROKER_URL": broker_url,
        "AIRFLOW__CELERY__RESULT_BACKEND": metadata_url.replace("postgresql://", "db+postgresql://", 1),
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": CONCURRENCY,
        connections.WAREHOUSE: connections.postgres_connection(server.create_database("warehouse")),
        **named,
    }
    return environment_in(folder, metadata_url, settings)


def _worker(name: str) -> list[str]:
    return ["celery", "worker", "--celery-hostname", name, "--skip-serve-logs"]
