"""Bring a warehouse to the schema this version of the code expects."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2 import errors
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from chargeback.errors import SchemaMismatch, WarehouseBusy
from chargeback.warehouse import locks, seeds
from chargeback.warehouse.database import SEARCH_PATH, Database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import URL, Connection, Engine

VERSION_TABLE = "schema_versions"
VERSION_SCHEMA = "ops"

# How long a revision may wait for a table, and so the readers that queue up behind it. Less than deadlock_timeout
# (a second): where a reader and a revision wait for each other, the revision gives way.
_LOCK_TIMEOUT = "500ms"
# How long it stays out of their way after each time it gave up; after the last one the operator is told.
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, *[15.0] * 8)
_MADE_MEANWHILE = (errors.UniqueViolation, errors.DuplicateSchema, errors.DuplicateTable)
_IN_THE_WAY = (errors.LockNotAvailable, errors.DeadlockDetected)
# What must be there before the first revision: where Alembic notes them, and what keeps a second upgrade waiting.
_GROUND = (
    f"create schema if not exists {VERSION_SCHEMA}",
    f"create table if not exists {VERSION_SCHEMA}.locks (name text primary key)",
)


def upgrade(url: str | URL, revision: str = "head", pauses: Sequence[float] = _PAUSES) -> list[str]:
    """Apply every missing revision up to `revision`, each in a transaction of its own: all of it or nothing.

    A second upgrade at the same time waits for the first and then finds nothing to do. Where a revision needs a
    table that is in use, it steps back and tries again after each of `pauses` (seconds); WarehouseBusy after the
    last. Revisions that came before it stay, and the next upgrade goes on from there. A warehouse that a newer version
    of the code has migrated is left as it is: SchemaMismatch. At the newest revision the seeds are loaded and all
    rights brought to the rules; what an administrator must do for these is returned, a sentence each: create roles,
    where this user may not.
    """
    _lay_ground(url)
    with locks.held(Database.connect(url), "migrations"), _engine(url).connect() as connection:
        for missing in _missing(connection, revision):
            _in_a_transaction(connection, partial(_revise, revision=missing), f"Revision {missing}", pauses)
        with connection.begin():
            is_newest = _is_newest(connection)
        return _in_a_transaction(connection, _settle, "What follows a migration", pauses) if is_newest else []


def revisions() -> list[str]:
    """Every revision, oldest first."""
    return [script.revision for script in _scripts().iterate_revisions("head", "base")][::-1]


def is_current(url: str | URL) -> bool:
    """Whether the warehouse has exactly the newest revision; an empty database has none."""
    return current_revision(url) == revisions()[-1]


def current_revision(url: str | URL) -> str | None:
    """The warehouse's revision, known to this code or not; None for an empty database."""
    with _engine(url).connect() as connection:
        return next(iter(_applied(connection)), None)


def refuse_older(connection: Connection) -> None:
    """SchemaMismatch where the warehouse has not yet every revision of this code.

    One that a newer version has migrated will do: workers get the new code after the warehouse its new schema.
    """
    known, applied = revisions(), next(iter(_applied(connection)), None)
    if applied is None or applied in known[:-1]:
        has = "no tables of ours" if applied is None else f"revision {applied}"
        raise SchemaMismatch(
            f"The warehouse has {has}, and this version of the code needs revision {known[-1]}. "
            "Run make migrate (python -m chargeback migrate), then start again."
        )


def run_sql_beside(connection: Connection, revision_file: str, *names: str) -> None:
    """Run the .sql files that lie beside a revision, in the order given."""
    for name in names:
        statement = Path(revision_file).with_name(name).read_text(encoding="utf-8")
        connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def _lay_ground(url: str | URL) -> None:
    """Make what is missing of the schema and the table of locks; two upgrades at once may both try."""
    for statement in _GROUND:
        try:
            with _engine(url).begin() as connection:
                connection.exec_driver_sql(statement)
        except DBAPIError as error:
            if not isinstance(error.orig, _MADE_MEANWHILE):
                raise


def _missing(connection: Connection, revision: str) -> list[str]:
    """The revisions between what the warehouse has and `revision`, oldest first."""
    with connection.begin():
        applied = _applied(connection)
    if newer := set(applied) - set(revisions()):
        raise SchemaMismatch(
            f"The warehouse has revision {newer.pop()}, which this version of the code does not know: a newer one has "
            "migrated it, and nothing was changed. Use that version, or one after it."
        )
    path = _scripts().iterate_revisions(revision, applied or "base")
    return [script.revision for script in path][::-1]


def _revise(connection: Connection, revision: str) -> list[str]:
    command.upgrade(_config(connection), revision)
    return []


def _settle(connection: Connection) -> list[str]:
    """The seeds and the rights of the newest revision; what an administrator must do for the rights."""
    seeds.load(connection)
    return list(connection.exec_driver_sql("select * from ops.apply_access()").scalars())


def _in_a_transaction(
    connection: Connection, work: Callable[[Connection], list[str]], name: str, pauses: Sequence[float]
) -> list[str]:
    """What `work` returns: all of it is done or nothing, and tried again as long as somebody is in its way."""
    for pause in (*pauses, None):
        try:
            with connection.begin():
                connection.exec_driver_sql(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                return work(connection)
        except OperationalError as error:
            if not isinstance(error.orig, _IN_THE_WAY):
                raise
            if pause is None:
                break
            time.sleep(pause)
    raise WarehouseBusy(
        f"{name} needs a table of the warehouse that is in use; nothing of it was applied. End the queries and runs "
        "that stand in pg_stat_activity, or migrate at another hour."
    )


def _is_newest(connection: Connection) -> bool:
    return set(_applied(connection)) == set(_scripts().get_heads())


def _applied(connection: Connection) -> tuple[str, ...]:
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "version_table_schema": VERSION_SCHEMA}
    )
    return context.get_current_heads()


def _engine(url: str | URL) -> Engine:
    options = f"-c search_path={SEARCH_PATH}"
    return sqlalchemy.create_engine(url, poolclass=NullPool, connect_args={"options": options})


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
