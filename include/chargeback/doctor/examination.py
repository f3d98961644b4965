"""The checks in their order, from the machine to the tenant; each part is looked at as far as it can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from chargeback.doctor import machine, nights, server, tenant
from chargeback.doctor.findings import Finding, ok, problem, warning
from chargeback.errors import ChargebackError
from chargeback.flexera.redaction import redacted
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
    """How to get at what is examined; each may fail with an error that says what to do."""

    home: Path
    locks: Sequence[Path]
    airflow: Callable[[], list[Finding]]
    database: Callable[[], Database]
    settings: Callable[[], FlexeraSettings]
    session: Callable[[], requests.Session]
    field_map: Callable[[], FieldMap]
    methods: Callable[[], Catalog]


def examine(doors: Doors) -> Iterator[Finding]:
    """Every finding, told as soon as it is known; no secret of either connection is in one."""
    secrets: list[str] = []
    for finding in _findings(doors, secrets):
        yield Finding(
            finding.check,
            finding.level,
            redacted(finding.found, *secrets),
            redacted(finding.advice, *secrets),
        )


def _findings(doors: Doors, secrets: list[str]) -> Iterator[Finding]:
    yield from _machine(doors)
    yield from doors.airflow()
    database = yield from _opened("warehouse", doors.database)
    settings = yield from _opened("connection flexera", doors.settings)
    secrets += [str(database.url.password or "")] if database else []
    secrets += [settings.secret] if settings else []
    is_ready = False
    if database:
        is_ready = yield from _warehouse(database, settings)
    field_map = yield from _opened("field map", doors.field_map)
    catalog = yield from _opened("methods", doors.methods)
    if settings:
        yield ok("connection flexera", f"organization {settings.org_id} at {settings.api_url}")
        budget, token_budget = _budgets(database if is_ready else None, settings)
        yield from tenant.examine(doors.session(), settings, budget, token_budget, field_map, catalog)
    if field_map:
        yield ok("field map", "every line of it is right")
    if catalog:
        yield ok("methods", f"{len(catalog.methods)} methods for {len(catalog.license_types)} license types")


def _machine(doors: Doors) -> Iterator[Finding]:
    lock = next((path for path in doors.locks if path.exists()), doors.locks[-1])
    yield machine.python()
    yield machine.packages(lock)
    yield machine.folder(doors.home)
    if doors.home.exists():
        yield machine.disk(doors.home)


def _opened(check: str, open_: Callable[[], T]) -> Generator[Finding, None, T | None]:
    """What a door leads to; None, and a finding, where it leads nowhere."""
    try:
        return open_()
    except ChargebackError as error:
        yield problem(check, str(error))
        return None


def _warehouse(database: Database, settings: FlexeraSettings | None) -> Generator[Finding, None, bool]:
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
    budget_ids = [settings.budget_id, settings.token_budget_id] if settings else []
    try:
        with database.transaction() as session:
            yield from nights.examine(session, budget_ids)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        yield warning("ledger", f"it cannot be read: {reason}", "See the findings on rights above")
        return False
    return True


def _budgets(
    database: Database | None, settings: FlexeraSettings
) -> tuple[RequestBudget | None, RequestBudget | None]:
    """Those that every request of this tenant is taken from; none without a warehouse, where no night runs either."""
    if database is None:
        return None, None
    connect = database.raw_connection
    return (
        RequestBudget(connect, settings.budget_id, settings.requests_per_minute, stays_connected=False),
        RequestBudget(connect, settings.token_budget_id, 0, stays_connected=False),
    )
