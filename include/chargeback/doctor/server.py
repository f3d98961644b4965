"""The warehouse's server and database: what it is, what we may do there, whether it has our schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from chargeback.doctor.findings import Finding, listed, ok, problem, warning
from chargeback.settings import is_near
from chargeback.warehouse import migrations
from chargeback.warehouse.database import address, execute

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from chargeback.warehouse.database import Database

OLDEST_VERSION = 150000
OUR_SCHEMAS = ("bi", "intermediate", "mart", "ops", "staging")
ANALYST = "chargeback_analyst"
LOADER = "chargeback_loader"

_LEAST_CONNECTIONS = 3
_COMFORTABLE_CONNECTIONS = 20
_MOST_SKEW_SECONDS = 60.0
_MIGRATE = "Run make migrate, or python -m chargeback migrate where Airflow is installed"


def connection(database: Database) -> Finding:
    """Whether the warehouse answers; everything else about it needs that."""
    url = database.url
    where = address(url)
    try:
        with database.transaction() as session:
            user = execute(session, "select current_user").scalar_one()
    except SQLAlchemyError as error:
        return problem(
            "warehouse",
            f"{where} cannot be used: {getattr(error, 'orig', error)}",
            "Correct AIRFLOW_CONN_WAREHOUSE or connection 'warehouse', or start its server",
        )
    return ok("warehouse", f"{where} answers, as user {user}")


def version(session: Connection) -> Finding:
    number, text = _row(
        session, "select current_setting('server_version_num')::int, current_setting('server_version')"
    )
    return version_finding(number, text)


def version_finding(number: int, text: str) -> Finding:
    """What to say of a server of that version; 150004 is PostgreSQL 15.4."""
    if number >= OLDEST_VERSION:
        return ok("server version", f"PostgreSQL {text}")
    return problem("server version", f"PostgreSQL {text}", "Use PostgreSQL 15 or newer")


def encryption(session: Connection, host: str | None) -> Finding:
    """Whether the connection is encrypted, where others could listen."""
    uses_tls, protocol = _row(session, "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()")
    if uses_tls:
        return ok("server TLS", f"encrypted with {protocol}")
    if _is_here(host):
        return ok(
            "server TLS", f"not encrypted, and {host or 'a local socket'} is this machine or a neighbor"
        )
    return warning(
        "server TLS",
        f"the connection to {host} is not encrypted",
        'Add sslmode=require or verify-full to the connection: ?sslmode=require, or {"sslmode": "require"} as extra',
    )


def encoding(session: Connection) -> Finding:
    """Names in other scripts need UTF8."""
    name, collation, kept, actual = _row(
        session,
        """
        select
            pg_encoding_to_char(encoding), coalesce(datcollate, ''),
            datcollversion, pg_database_collation_actual_version(oid)
        from pg_database
        where datname = current_database()
        """,
    )
    if name != "UTF8":
        return problem("encoding", f"the database is in {name}", "Create it anew with encoding UTF8")
    if kept != actual:
        return warning(
            "encoding",
            f"UTF8, but the server sorts {collation} as version {actual} and the database was built with {kept}",
            "Have an administrator run reindex database, then alter database ... refresh collation version",
        )
    return ok("encoding", f"UTF8, sorted as {collation}")


def clock(session: Connection, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Finding:
    """Whether server and machine agree on the time: dates of snapshots and turns of the budget come from both."""
    before = now()
    theirs, zone = _row(
        session, "select clock_timestamp(), (select reset_val from pg_settings where name = 'TimeZone')"
    )
    skew = abs((theirs - before).total_seconds())
    found = f"{skew:.0f} s apart from the server, whose time zone is {zone}; our sessions are in UTC"
    if skew > _MOST_SKEW_SECONDS:
        return warning("clock", found, "Set both clocks by a time server")
    return ok("clock", found)


def connections_left(
    session: Connection, least: int = _LEAST_CONNECTIONS, comfortable: int = _COMFORTABLE_CONNECTIONS
) -> Finding:
    """How many more sessions the server takes; a night with four licenses at once uses about 15."""
    left, limit = _row(
        session,
        """
        with

        limits as (
            select
                current_setting('max_connections')::int
                - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true)::int, 0) as server_limit,
                (select nullif(datconnlimit, -1) from pg_database where datname = current_database()) as base_limit,
                (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user) as user_limit
        ),

        used as (
            select
                count(*) as server_count,
                count(*) filter (where datname = current_database()) as base_count,
                count(*) filter (where usename = current_user) as user_count
            from pg_stat_activity
            where backend_type = 'client backend'
        )

        select
            least(server_limit - server_count, base_limit - base_count, user_limit - user_count),
            least(server_limit, base_limit, user_limit)
        from limits
        cross join used
        """,
    )
    found = f"{left} of {limit} connections are free"
    advice = "Raise max_connections or the limit of the database or user, or end idle sessions"
    if left < least:
        return problem("connections", found, advice)
    return ok("connections", found) if left >= comfortable else warning("connections", found, advice)


def schema(database: Database) -> Finding:
    """Whether the database has the tables that this version of the code expects."""
    current, known = migrations.current_revision(database.url), migrations.revisions()
    newest = known[-1]
    if current == newest:
        return ok("schema", f"revision {newest}, the newest")
    if current is None:
        return problem("schema", "the database has no tables of ours", _MIGRATE)
    if current not in known:
        return problem(
            "schema",
            f"revision {current} is unknown to this version",
            "Use the version of the code that migrated it",
        )
    return problem("schema", f"revision {current}, this version needs {newest}", _MIGRATE)


def rights(session: Connection) -> list[Finding]:
    """Whether the user may do what a night does, and whether there is a role for those who only read."""
    return [_database_rights(session), _ownership(session), _analyst(session)]


def server_functions(session: Connection) -> Finding:
    """What every login may do that uses up memory and disk of the server; only a superuser may change it."""
    (open_count,) = _row(session, "select count(*) from ops.open_server_functions")
    if not open_count:
        return ok("server functions", "readers take no advisory lock and create no large object")
    return ok(
        "server functions",
        "every login may take advisory locks and create large objects, which use up memory and disk of the server; no "
        "snapshot waits for them. docs/access.md says how a superuser takes them away",
    )


def _database_rights(session: Connection) -> Finding:
    may_create, may_use_temporary = _row(
        session,
        """
        select
            has_database_privilege(current_database(), 'CREATE'),
            has_database_privilege(current_database(), 'TEMPORARY')
        """,
    )
    has_create = may_create or _is_loader(session)  # schemas are made by migrations, which the owner runs
    missing = [name for name, has in (("create", has_create), ("temporary", may_use_temporary)) if not has]
    if missing:
        return problem(
            "database rights",
            f"the user may not {' nor '.join(missing)} in this database",
            f"Have its owner run: grant {', '.join(missing)} on database ... to it; best, make it the owner",
        )
    return ok("database rights", f"may create {'schemas and ' if may_create else ''}temporary tables")


def _ownership(session: Connection) -> Finding:
    foreign = (
        execute(
            session,
            """
            select format('%%s %%s.%%s', 'table', schemas.nspname, classes.relname)
            from pg_class as classes
            inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
            where
                schemas.nspname = any(%(schemas)s)
                and classes.relkind in ('r', 'p', 'v')
                and not pg_has_role(current_user, classes.relowner, 'USAGE')
            union all
            select format('schema %%s', nspname)
            from pg_namespace
            where nspname = any(%(schemas)s) and not has_schema_privilege(oid, 'CREATE')
            order by 1
            """,
            schemas=list(OUR_SCHEMAS),
        )
        .scalars()
        .all()
    )
    if not foreign:
        return ok("ownership", "may make partitions and replace rows in every schema of ours")
    if _is_loader(session):
        return ok(
            "ownership", f"may make partitions and replace rows as a member of {LOADER}; the owner migrates"
        )
    return problem(
        "ownership",
        f"the user does not own {listed(foreign)}, and is no member of {LOADER}",
        f"Connect as the user who ran the migration, or have an administrator run grant {LOADER} to this one",
    )


def _is_loader(session: Connection) -> bool:
    """Whether the user has the rights of the nightly job, as docs/access.md grants them."""
    (is_loader,) = _row(
        session,
        "select coalesce((select pg_has_role(oid, 'USAGE') from pg_roles where rolname = %(role)s), false)",
        role=LOADER,
    )
    return bool(is_loader)


def _analyst(session: Connection) -> Finding:
    exists, may_create = _row(
        session,
        """
        select
            exists (select from pg_roles where rolname = %(role)s),
            coalesce((select rolsuper or rolcreaterole from pg_roles where rolname = current_user), false)
        """,
        role=ANALYST,
    )
    if exists:
        return ok("analyst role", f"{ANALYST} exists")
    advice = (
        "make migrate creates it"
        if may_create
        else f"Have an administrator run create role {ANALYST}, then make migrate again, which grants it bi"
    )
    return warning("analyst role", f"{ANALYST} does not exist, so BI users have no role to be put in", advice)


def _row(session: Connection, statement: str, **parameters: Any) -> Any:
    return execute(session, statement, **parameters).one()


def _is_here(host: str | None) -> bool:
    """Whether the way to the server leads through nobody else's network."""
    return not host or host.startswith("/") or is_near(host)
