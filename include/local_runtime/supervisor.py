"""`make up` and `make down`: the whole system with the Airflow UI, and its orderly end."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from chargeback.plain_text import plain
from local_runtime import ports, processes
from local_runtime.airflow_home import LOGIN, keys_in
from local_runtime.lease import alone
from local_runtime.places import LOCAL, LOGS, kept, private_file
from local_runtime.postgres import PostgresServer, free_port, is_free
from local_runtime.problem import Problem
from local_runtime.system import METADATA_OF_UP, say, shown, system

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local_runtime.system import System

STATE = LOCAL / "up.json"
DAMAGED = "It said what to stop: end what make up started, if it still runs, and delete the file."
FIRST_PORT, PORTS_TO_TRY = 8080, 100
HEALTHY_SECONDS = 180.0
# Started in this order; stopped in the order below.
COMPONENTS = {
    "api-server": ["api-server", "--host", "127.0.0.1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
# What Airflow reports the health of; nothing where the API server does not answer.
PARTS = ("api-server", "metadatabase", "scheduler", "dag_processor", "triggerer")
STOP_ORDER = ("scheduler", "dag-processor", "triggerer", "api-server", "simulator")
GRACE_SECONDS = 20.0


@dataclass
class Up:
    """What runs: the leader of each process group, and where the UI is."""

    url: str
    groups: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Up | None:
        try:
            found = kept(STATE, DAMAGED)
            return cls(found["url"], found["groups"])
        except FileNotFoundError:
            return None
        except KeyError:
            raise Problem(f"{STATE} is damaged. {DAMAGED}") from None

    def write(self) -> None:
        private_file(STATE, json.dumps(asdict(self)))

    def missing(self) -> list[str]:
        """The parts that should run and do not."""
        return sorted({*COMPONENTS} - {*self.groups} | {*self.ended()})

    def ended(self) -> list[str]:
        """The parts that were started and do not run any more."""
        return [
            name for name, group in self.groups.items() if group not in processes.members(group, str(LOCAL))
        ]


def up() -> int:
    """Start everything and wait until it is healthy."""
    LOCAL.mkdir(exist_ok=True)
    with alone(LOCAL / "up.lock"):
        running = Up.read()
        if running is not None and not (missing := running.missing()):
            say("It is up already, with the connections and variables it was started with.")
            _say_where(running)
            return 0
        if running is not None:
            say(f"Of an earlier make up, these do not run any more: {', '.join(missing)}. Stopping the rest.")
            _stop(running)
        with system(METADATA_OF_UP, stays=True) as prepared:
            started = _start(prepared)
        _say_where(started)
    return 0


def down() -> int:
    """Stop everything that `up` started, and PostgreSQL unless somebody else uses it."""
    LOCAL.mkdir(exist_ok=True)
    with alone(LOCAL / "up.lock"):
        running = Up.read()
        if running is None:
            say("Nothing is up.")
        else:
            _stop(running)
            say("Stopped.")
        PostgresServer(LOCAL / "postgres").stop_if_unused()
    return 0


def _start(prepared: System) -> Up:
    candidates = range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY)
    port = (
        next((port for port in candidates if is_free(port) and not ports.strangers(port)), None)
        or free_port()
    )
    if port != FIRST_PORT:
        others = "; ".join(map(str, ports.strangers(FIRST_PORT)))
        say(
            f"Port {FIRST_PORT} is in use{f' ({plain(others)})' if others else ''}, so the UI gets port {port}"
        )
    started = Up(f"http://localhost:{port}")
    if prepared.simulator is not None:
        started.groups["simulator"] = prepared.simulator.process.pid
    environment = prepared.environment | _environment(port, prepared.keys)
    started_at = time.monotonic()
    try:
        for name, command in COMPONENTS.items():
            say(f"Starting {name}, log in {shown(_log(name))}")
            child = processes.start(
                [sys.executable, "-m", "airflow", *command],
                _log(name),
                environment,
                descriptors=[prepared.server.lease_descriptor],
            )
            started.groups[name] = child.pid
            started.write()
            if name == "api-server":  # tasks of the scheduler ask it at once
                _wait_until_healthy(started, port, ("api-server", "metadatabase"))
        _wait_until_healthy(started, port, PARTS)
        say(f"Healthy after {time.monotonic() - started_at:.0f} s.")
    except BaseException:
        _stop(started)
        raise
    return started


def _environment(port: int, keys: dict[str, str]) -> dict[str, str]:
    """What only the services need: the address of the UI, and who may sign in."""
    passwords = LOCAL / "ui_passwords.json"
    private_file(passwords, json.dumps({LOGIN: keys["ui_password"]}))
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
    }


def _wait_until_healthy(started: Up, port: int, parts: Sequence[str]) -> None:
    started_at = time.monotonic()
    waiting_for: list[str] = []
    while True:
        _refuse_strangers(started, port)
        for name in started.ended():
            raise Problem(f"{name} has ended; the reason is at the end of {shown(_log(name))}")
        unhealthy = [part for part in _unhealthy(port) if part in parts]
        if not unhealthy:
            return
        if time.monotonic() - started_at > HEALTHY_SECONDS:
            raise Problem(
                f"Not healthy after {HEALTHY_SECONDS:.0f} s: {', '.join(unhealthy)}; logs in {shown(LOGS)}"
            )
        if unhealthy != waiting_for:
            say(f"Waiting for {', '.join(unhealthy)}")
            waiting_for = unhealthy
        time.sleep(0.5)


def _refuse_strangers(started: Up, port: int) -> None:
    """Stop where another program answers on the port of the UI: it would be taken for ours, and get our login."""
    ours = processes.members(started.groups["api-server"], str(LOCAL))
    if found := ports.strangers(port, ours):
        raise Problem(
            f"Another program listens on port {port} ({plain('; '.join(map(str, found)))}), where the UI was about to "
            "start. Stop it, or run make up again, which takes the next free port."
        )


def _unhealthy(port: int) -> list[str]:
    """The parts that do not report health."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return ["api-server"]
    return [part for part in PARTS[1:] if (health.get(part) or {}).get("status") != "healthy"]


def _stop(running: Up) -> None:
    for name in STOP_ORDER:
        if name in running.groups:
            say(f"Stopping {name}")
            processes.stop(running.groups[name], str(LOCAL), GRACE_SECONDS)
    STATE.unlink(missing_ok=True)


def _say_where(running: Up) -> None:
    password = keys_in(LOCAL)["ui_password"]
    say(f"\nAirflow UI: {running.url}   login: {LOGIN}   password: {password}\nStop it with: make down")


def _log(name: str) -> Path:
    return LOGS / f"{name}.log"
