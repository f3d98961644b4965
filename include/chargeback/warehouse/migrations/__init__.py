"""Bring a warehouse to the schema this version of the code expects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

VERSION_TABLE = "schema_versions"
VERSION_SCHEMA = "ops"

_LOCK = "select pg_advisory_xact_lock(hashtextextended('license_chargeback/migrations', 0))"


def upgrade(url: str | URL) -> None:
    """Apply every missing revision in one transaction: all or none.

    A second upgrade at the same time waits for the first and then finds nothing to do.
    """
    with _engine(url).begin() as connection:
        connection.exec_driver_sql(_LOCK)
        connection.exec_driver_sql(f"create schema if not exists {VERSION_SCHEMA}")
        command.upgrade(_config(connection), "head")


def is_current(url: str | URL) -> bool:
    """Whether the warehouse has exactly the newest revision; an empty database has none."""
    current, newest, _ = revisions(url)
    return current == newest


def revisions(url: str | URL) -> tuple[str | None, str | None, set[str]]:
    """The warehouse's revision, None for an empty database; the newest one; and all that this code knows."""
    with _engine(url).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": VERSION_TABLE, "version_table_schema": VERSION_SCHEMA},
        )
        scripts = ScriptDirectory.from_config(_config(connection))
        known = {script.revision for script in scripts.walk_revisions()}
        return context.get_current_revision(), scripts.get_current_head(), known


def run_sql_beside(connection: Connection, revision_file: str, *names: str) -> None:
    """Run the .sql files that lie beside a revision, in the order given."""
    for name in names:
        statement = Path(revision_file).with_name(name).read_text(encoding="utf-8")
        connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def _engine(url: str | URL) -> Engine:
    return sqlalchemy.create_engine(url, poolclass=NullPool)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
