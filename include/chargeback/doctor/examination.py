"""The checks in their order, from the machine to the tenant; each part is looked at as far as it can be reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from chargeback.doctor import machine, nights, server, tenant
from chargeback.doctor.findings import Finding, listed, ok, problem, warning
from chargeback.errors import ChargebackError
from chargeback.flexera.redaction import redacted
from chargeback.settings import FIRST_CONNECTION
from chargeback.warehouse.budget import RequestBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    import requests

    from chargeback.flexera import FieldMap
    from chargeback.methods import Catalog
    from chargeback.settings import FlexeraSettings
    from chargeback.warehouse.database import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How to get at what is examined; each may fail with an error that says what to do.

    `organizations` are their connections, from which `settings` and `session` are made.
    """

    home: Path
    locks: Sequence[Path]
    airflow: Callable[[], list[Finding]]
    database: Callable[[], Database]
    organizations: Callable[[], list[str]]
    settings: Callable[[str], FlexeraSettings]
    session: Callable[[str], requests.Session]
    field_map: Callable[[], FieldMap]
    methods: Callable[[], Catalog]


def examine(doors: Doors) -> Iterator[Finding]:
    """Every finding, told as soon as it is known; no secret of any connection is in one."""
    secrets: list[str] = []
    for finding in _findings(doors, secrets):
        yield replace(
            finding, found=redacted(finding.found, *secrets), advice=redacted(finding.advice, *secrets)
        )


def _findings(doors: Doors, secrets: list[str]) -> Iterator[Finding]:
    yield from _machine(doors)
    yield from doors.airflow()
    database = yield from _opened("warehouse", doors.database)
    secrets += [str(database.url.password or "")] if database else []
    organizations = yield from _organizations(doors, secrets)
    is_ready = False
    if database:
        is_ready = yield from _warehouse(database, organizations)
    field_map = yield from _opened("field map", doors.field_map)
    catalog = yield from _opened("methods", doors.methods)
    for settings in organizations:
        budget, token_budget = _budgets(database if is_ready else None, settings)
        session = doors.session(settings.conn_id)
        found = tenant.examine(session, settings, budget, token_budget, field_map, catalog)
        yield from (each.of(settings.conn_id) for each in found)
    if field_map:
        yield ok("field map", "every line of it is right")
    if catalog and database and is_ready:
        with database.transaction() as connection:
            yield nights.method_lists(connection, catalog)
    if catalog:
        yield ok("methods", f"{len(catalog.methods)} methods for {len(catalog.license_types)} license types")


def _organizations(doors: Doors, secrets: list[str]) -> Generator[Finding, None, list[FlexeraSettings]]:
    """The settings of every connection that can be used; their secrets are noted before anything is told of them."""
    conn_ids = yield from _opened("organizations", doors.organizations)
    found: list[FlexeraSettings] = []
    for conn_id in conn_ids or [FIRST_CONNECTION]:
        settings = yield from _opened("connection", partial(doors.settings, conn_id))
        if settings:
            secrets.append(settings.secret)
            found.append(settings)
            yield ok("connection", f"organization {settings.org_id} at {settings.api_url}").of(conn_id)
    yield _apart(found)
    return found


def _apart(organizations: Sequence[FlexeraSettings]) -> Finding:
    """Whether each connection leads to an organization of its own."""
    conn_ids: dict[str, list[str]] = {}
    for settings in organizations:
        conn_ids.setdefault(settings.org_id, []).append(settings.conn_id)
    twins = [
        f"{' and '.join(names)} lead to {org_id}" for org_id, names in conn_ids.items() if len(names) > 1
    ]
    if twins:
        return problem(
            "organizations",
            f"{listed(twins)}, so that their DAGs replace each other's snapshots",
            "Take all but one out of variable chargeback_organizations, or correct org_id",
        )
    return ok("organizations", f"{len(conn_ids)} with a connection that can be used")


def _machine(doors: Doors) -> Iterator[Finding]:
    lock = next((path for path in doors.locks if path.exists()), doors.locks[-1])
    yield machine.python()
    yield machine.packages(lock)
    yield machine.folder(doors.home)
    if doors.home.exists():
        yield machine.disk(doors.home)


def _opened(check: str, open_: Callable[[], T]) -> Generator[Finding, None, T | None]:
    """What a door opens; where it fails, None, after a finding with the text of the error."""
    try:
        return open_()
    except ChargebackError as error:
        yield problem(check, str(error))
        return None


def _warehouse(
    database: Database, organizations: Sequence[FlexeraSettings]
) -> Generator[Finding, None, bool]:
    """The findings of the warehouse; returns whether it has the tables that a night needs."""
    reached = server.connection(database)
    yield reached
    if reached.level != "ok":
        return False
    with database.transaction() as session:
        yield server.version(session)
        yield server.encryption(session, database.url.host)
        yield server.encoding(session)
        yield server.clock(session)
        yield server.connections_left(session)
        yield from server.rights(session)
    state = server.schema(database)
    yield state
    if state.level != "ok":
        return False
    try:
        with database.transaction() as session:
            yield server.server_functions(session)
            yield from nights.examine(session, organizations)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        yield warning("ledger", f"it cannot be read: {reason}", "See the findings on rights above")
        return False
    return True


def _budgets(
    database: Database | None, settings: FlexeraSettings
) -> tuple[RequestBudget | None, RequestBudget | None]:
    """The request budgets of a tenant, for its API and for its tokens.

    None without a warehouse, which holds them: then no night spends of them, either.
    """
    if database is None:
        return None, None
    connect = database.raw_connection
    return (
        RequestBudget(connect, settings.budget_id, settings.requests_per_minute, stays_connected=False),
        RequestBudget(connect, settings.token_budget_id, 0, stays_connected=False),
    )
