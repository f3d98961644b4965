"""The bundled Flexera One, for when no tenant is named."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexera_simulator.settings import Settings
from local_runtime import processes
from local_runtime.places import LOGS
from local_runtime.problem import Problem

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

REQUESTS_PER_MINUTE = 6000  # a tenant allows about 50; nobody wants to wait for a demo
START_SECONDS = 60.0
STOP_SECONDS = 5.0
LEASH = "--end-with-parent"


@dataclass(frozen=True)
class Simulator:
    """A simulator that runs beside this process."""

    process: subprocess.Popen[bytes]
    url: str

    def connection(self) -> str:
        """Connection `flexera` to it, as AIRFLOW_CONN_FLEXERA has it."""
        settings = Settings()
        fields = {
            "conn_type": "flexera",
            "login": settings.client_id,
            "password": settings.client_secret,
            "extra": {
                "org_id": settings.org[0],
                "api_url": self.url,
                "token_url": f"{self.url}/oidc/token",
                "requests_per_minute": REQUESTS_PER_MINUTE,
            },
        }
        return json.dumps(fields)

    def totals(self, day: object) -> dict[str, Any]:
        """What its model recharges on a day; amounts as text."""
        with urllib.request.urlopen(f"{self.url}/simulator/totals?date={day}", timeout=60) as answer:  # noqa: S310
            totals: dict[str, Any] = json.loads(answer.read())
            return totals

    def show(self, day: date | None) -> None:
        """Show the tenant as it is on a day; None: on the day of the clock."""
        body = json.dumps({"date": day.isoformat() if day else None}).encode()
        request = urllib.request.Request(f"{self.url}/simulator/settings", body, method="PUT")  # noqa: S310
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310
            pass


def start(
    folder: Path, environment: Mapping[str, str], *, on_leash: bool, descriptors: Sequence[int] = ()
) -> Simulator:
    """Start a simulator and wait until it listens; on a leash it ends with this process."""
    log = LOGS / "simulator.log"
    port_file = folder / f"simulator-port.{time.time_ns()}"
    command = [sys.executable, "-m", "local_runtime.simulator", *([LEASH] if on_leash else [])]
    options = ["--port=0", f"--port-file={port_file}", f"--requests-per-minute={REQUESTS_PER_MINUTE}"]
    process = processes.start(
        [*command, *options], log, environment, on_leash=on_leash, descriptors=descriptors
    )
    give_up_at = time.monotonic() + START_SECONDS
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > give_up_at:
            processes.stop(process.pid, environment[processes.MARK], STOP_SECONDS)
            raise Problem(f"The Flexera simulator did not start; its log is {log}")
        time.sleep(0.05)
    port = int(port_file.read_text(encoding="ascii"))
    port_file.unlink()
    return Simulator(process, f"http://127.0.0.1:{port}")


def main(arguments: list[str]) -> int:
    """Serve until stopped; on a leash no longer than the process that asked for it lives."""
    from flexera_simulator.command_line import main as serve

    if LEASH in arguments:
        arguments.remove(LEASH)
        processes.end_with_parent()
    return serve(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
