"""What a command needs before it starts: databases up to date, connections named, the environment."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg2
from sqlalchemy.exc import SQLAlchemyError

from local_runtime import connections, metadata, processes, simulator
from local_runtime.airflow_home import NAMED, airflow_environment, clean_environment, keys_in
from local_runtime.lease import alone
from local_runtime.places import LOCAL, private_folder
from local_runtime.postgres import PostgresServer
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_runtime.simulator import Simulator

# `up` has a scheduler, which would take over the runs of `run` if it saw them: each has its own database.
METADATA_OF_UP = "airflow"
METADATA_OF_RUN = "airflow_runs"
# What the product itself asks for; other connections and variables are those of a notifier.
OURS = (connections.FLEXERA, connections.WAREHOUSE, "AIRFLOW_VAR_CHARGEBACK_")


@dataclass
class System:
    """A running PostgreSQL and what the programs beside it must know."""

    server: PostgresServer
    environment: dict[str, str]
    keys: dict[str, str]
    simulator: Simulator | None = None
    secrets: list[str] = field(default_factory=list)


def migrate() -> int:
    """`make migrate`: both databases of Airflow, and the warehouse."""
    with database_server() as server, alone(LOCAL / "migrate.lock"):
        keys, named = keys_in(LOCAL), named_connections(server)
        for name in (METADATA_OF_UP, METADATA_OF_RUN):
            migrate_airflow(server, name, _environment(server, name, keys, named))
        migrate_warehouse(named, is_asked_for=True)
    say("Every database has this version's schema, and the warehouse the figures of include/config/seeds.")
    return 0


@contextmanager
def database_server(*, quiet: bool = False) -> Iterator[PostgresServer]:
    """The embedded PostgreSQL; stopped afterwards unless somebody else uses it."""
    LOCAL.mkdir(exist_ok=True)
    server = PostgresServer(LOCAL / "postgres")
    if not server.is_running:
        say(f"Starting PostgreSQL in {shown(server.folder)}", quiet=quiet)
    with server:
        yield server


@contextmanager
def system(
    metadata_name: str, *, is_demo: bool = False, stays: bool = False, leaves_theirs: bool = False
) -> Iterator[System]:
    """PostgreSQL, both databases migrated, and the simulator where no tenant is named or it is asked for.

    `is_demo` leaves aside the connections and variables of the user. With `stays` the simulator outlives this process.
    With `leaves_theirs` a warehouse that the user names is not migrated.
    """
    with ExitStack() as stack:
        if is_demo:
            _leave_aside()
        is_simulated = connections.asks_for_simulator(os.environ)
        server = stack.enter_context(database_server())
        named = named_connections(server)
        keys = keys_in(LOCAL)
        environment = _environment(server, metadata_name, keys, named)
        with alone(LOCAL / "migrate.lock"):
            migrate_airflow(server, metadata_name, environment)
            if not (leaves_theirs and connections.is_named(os.environ, connections.WAREHOUSE)):
                migrate_warehouse(environment)
        prepared = System(server, environment, keys)
        if is_simulated:
            prepared.simulator = _simulator(environment, stack, stays=stays)
            environment[connections.FLEXERA] = prepared.simulator.connection()
        prepared.secrets = [*keys.values(), server.password, *connections.secrets_in(environment)]
        yield prepared


def _leave_aside() -> None:
    """Forget the connections and variables of the user: nobody is told of a demo, and no tenant is asked."""
    unclear = [
        given
        for name in (connections.FLEXERA, connections.WAREHOUSE)
        for given in connections.misspelled(os.environ, name)
    ]
    theirs = {name for name in os.environ if name.startswith(NAMED)}.union(unclear)
    if ours := sorted(name for name in theirs if name.startswith(OURS) and os.environ[name]):
        say(f"The demo leaves {' and '.join(ours)} aside")
    for name in theirs:
        del os.environ[name]


def named_connections(server: PostgresServer | None) -> dict[str, str]:
    """The connections in the user's environment; the embedded warehouse where none is named."""
    connections.refuse_misspelled(os.environ, connections.WAREHOUSE)
    named = {
        name: os.environ[name]
        for name in (connections.FLEXERA, connections.WAREHOUSE)
        if connections.is_named(os.environ, name)
    }
    if connections.WAREHOUSE not in named and server is not None:
        named[connections.WAREHOUSE] = connections.postgres_connection(server.create_database("warehouse"))
    connections.secrets_in(named)  # a Problem if one cannot be read
    return named


def migrate_airflow(server: PostgresServer, name: str, environment: dict[str, str]) -> None:
    """Bring Airflow's database to its schema, unless it has it."""
    url = server.create_database(name)
    if not metadata.is_current(url):
        say("Migrating Airflow's metadata database (the first time takes a few seconds)")
        metadata.migrate(url, environment)


def migrate_warehouse(
    environment: dict[str, str], *, quiet: bool = False, is_asked_for: bool = False
) -> None:
    """Bring the warehouse to this version's schema unless it has it, or in any case where that is asked for.

    Asked for again, it loads the seeds as they are now, and brings rights to the rules, once an administrator has
    created what roles were missing.
    """
    from chargeback.errors import ChargebackError
    from chargeback.warehouse import migrations
    from chargeback.warehouse.database import address

    url = connections.warehouse_url(environment)
    try:
        if is_asked_for or not migrations.is_current(url):
            say(f"Migrating the warehouse {address(url)}", quiet=quiet)
            for sentence in migrations.upgrade(url):
                say(sentence)
    except ChargebackError as error:
        raise Problem(str(error)) from None
    except (SQLAlchemyError, psycopg2.Error) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise Problem(f"The warehouse {address(url)} cannot be used: {reason}") from None


def say(text: str, *, quiet: bool = False) -> None:
    """One line of progress."""
    if not quiet:
        print(text, flush=True)


def shown(path: object) -> str:
    """A path as a person in the project's folder would type it."""
    return os.path.relpath(str(path))


def _environment(
    server: PostgresServer, metadata_name: str, keys: dict[str, str], named: dict[str, str]
) -> dict[str, str]:
    home = private_folder(LOCAL / "airflow")
    of_its_own = (connections.FLEXERA, connections.WAREHOUSE)
    theirs = {name: value for name, value in clean_environment(os.environ).items() if name not in of_its_own}
    ours = airflow_environment(home, server.url(metadata_name), keys)
    return theirs | ours | named | {processes.MARK: str(LOCAL)}


def _simulator(environment: dict[str, str], stack: ExitStack, *, stays: bool) -> Simulator:
    started = simulator.start(LOCAL, environment, on_leash=not stays)
    if not stays:
        stack.callback(processes.stop, started.process.pid, str(LOCAL), 5.0)
    is_blank = not os.environ.get(connections.FLEXERA, "unset").strip()
    why = f"{connections.FLEXERA} is empty, so " if is_blank else ""
    say(
        f"{why}Flexera One is the bundled simulator at {started.url} "
        f"({simulator.REQUESTS_PER_MINUTE} requests a minute, so that nobody waits; a tenant allows 50)"
    )
    return started
