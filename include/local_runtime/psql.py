"""`make psql`: psql on the warehouse in use."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from tempfile import NamedTemporaryFile
from typing import Any

from psycopg2.extensions import make_dsn

from local_runtime import connections
from local_runtime.airflow_home import clean_environment
from local_runtime.postgres import PostgresError, program
from local_runtime.problem import Problem
from local_runtime.system import database_server, migrate_warehouse, named_connections

SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
SERVICE = "warehouse"


def main() -> int:
    """Give the terminal, or the SQL on standard input, to psql; its exit code is ours."""
    with ExitStack() as stack:
        server = None
        if not connections.is_named(os.environ, connections.WAREHOUSE):
            server = stack.enter_context(database_server(quiet=True))
        named = named_connections(server)
        if server is not None:
            migrate_warehouse(named, quiet=True)
        parameters = connections.warehouse_parameters(named)
        environment = clean_environment(os.environ) | _without_secrets(parameters, stack)
        command = [psql_program(needs_tls=server is None), make_dsn(**parameters)]
        if not sys.stdin.isatty():
            command += ["--no-psqlrc", "--set=ON_ERROR_STOP=1"]
        return _in_charge_of_the_terminal(command, environment)


def _without_secrets(parameters: dict[str, Any], stack: ExitStack) -> dict[str, str]:
    """Take the secrets out of what becomes a command line, which others can see; returns the way around it.

    libpq reads the password from the environment, and the others, which have no variable, from a service file.
    """
    environment = {"PGPASSWORD": parameters.pop("password")} if "password" in parameters else {}
    others = [f"{name}={parameters.pop(name)}" for name in SECRETS if name in parameters]
    if others:
        service_file = stack.enter_context(NamedTemporaryFile("w", encoding="utf-8"))  # noqa: SIM115
        service_file.write("\n".join([f"[{SERVICE}]", *others, ""]))
        service_file.flush()
        parameters["service"] = SERVICE
        environment["PGSERVICEFILE"] = service_file.name
    return environment


def psql_program(*, needs_tls: bool) -> str:
    """The machine's psql for a server elsewhere, since ours has no TLS; else the one of the server."""
    found = shutil.which("psql")
    if needs_tls and found:
        return found
    try:
        return str(program("psql"))
    except PostgresError:
        if found:
            return found
        raise Problem("There is no psql; install the client package of PostgreSQL") from None


def _in_charge_of_the_terminal(command: list[str], environment: dict[str, str]) -> int:
    """Run a program that Ctrl-C is meant for."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(command, env=environment, preexec_fn=_default_interrupt)
        return child.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
