"""The doorway to Airflow's connections: Flexera One and `warehouse` in, FlexeraClient and Database out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy.engine import URL

from chargeback.errors import ChargebackError, ServiceBusy, SettingsInvalid
from chargeback.flexera import Budget, FieldMap, FlexeraClient
from chargeback.methods import Catalog
from chargeback.settings import FIRST_CONNECTION, FlexeraSettings
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database, is_libpq_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WAREHOUSE_CONN_ID = "warehouse"

# What Airflow's own PostgreSQL hook reads of the same extra, and keeps from the server.
AIRFLOW_EXTRAS = frozenset(
    {
        "iam",
        "redshift",
        "redshift-serverless",
        "cursor",
        "cluster-identifier",
        "workgroup-name",
        "aws_conn_id",
        "sqlalchemy_scheme",
        "sqlalchemy_query",
        "azure_conn_id",
    }
)

FIELD_MAP = Path(__file__).resolve().parents[1] / "config" / "field_map.yaml"


class FlexeraHook(HttpHook):
    """A connection of type `flexera`; proxies, client certificates and keep-alive are the HTTP provider's."""

    conn_name_attr = "flexera_conn_id"
    default_conn_name = FIRST_CONNECTION
    conn_type = "flexera"
    hook_name = "Flexera One"

    def __init__(self, flexera_conn_id: str = default_conn_name) -> None:
        super().__init__(method="GET", http_conn_id=flexera_conn_id)
        self.flexera_conn_id = flexera_conn_id

    def settings(self) -> FlexeraSettings:
        """The connection's fields, checked."""
        connection = _connection(self.flexera_conn_id)
        return FlexeraSettings.from_connection(
            connection.login, connection.password, connection.extra_dejson, self.flexera_conn_id
        )

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> requests.Session:
        """The provider's session, without login and our own extras, which it would send as headers."""
        session = super().get_conn(None, extra_options)
        session.auth = None
        session.headers.clear()
        session.headers.update({**requests.utils.default_headers(), **(headers or {})})
        return session

    def get_client(self, budget: Budget, token_budget: Budget | None = None) -> FlexeraClient:
        """A client that spends this budget, and for its tokens the other one."""
        return FlexeraClient.over(self.get_conn(), self.settings(), budget, token_budget=token_budget)

    def test_connection(self) -> tuple[bool, str]:
        """Get a token and read one page of licenses; the button of the connection form calls this."""
        try:
            settings = self.settings()
            page = next(self.get_client(_NoBudget()).license_pages())
        except ChargebackError as error:
            return False, str(error)
        return (
            True,
            f"Organization {settings.org_id} answered with {len(page.rows)} licenses on the first page.",
        )


class _NoBudget:
    """For a single request by hand, where no warehouse is at hand to share a budget through."""

    def take(self) -> None:
        """Send at once."""

    def block(self, seconds: float) -> None:
        """Give up: a person waits for the answer."""
        raise ServiceBusy(
            f"The organization's request limit is used up for another {seconds:g} s; the connection works."
        )

    def note_remaining(self, remaining: int) -> None:
        """Nobody to tell."""

    def note_answer(self) -> None:
        """Nobody to tell."""

    def has_answered(self) -> bool:
        """Nobody knows."""
        return False


def flexera_settings(flexera_conn_id: str = FIRST_CONNECTION) -> FlexeraSettings:
    """The settings of an organization's connection."""
    return FlexeraHook(flexera_conn_id).settings()


def flexera(
    database: Database,
    flexera_conn_id: str = FIRST_CONNECTION,
    on_starvation: Callable[[float], None] | None = None,
) -> FlexeraClient:
    """The client of an organization's connection, its pace shared through the warehouse.

    `on_starvation` is told the seconds when the server holds a request back for long, since others use it.
    """
    settings = flexera_settings(flexera_conn_id)
    connect = database.raw_connection
    return FlexeraHook(flexera_conn_id).get_client(
        RequestBudget(connect, settings.budget_id, settings.requests_per_minute, on_starvation=on_starvation),
        RequestBudget(connect, settings.token_budget_id, 0, stays_connected=False),
    )


def flexera_session(flexera_conn_id: str = FIRST_CONNECTION) -> requests.Session:
    """The HTTP session of an organization's connection, for one who sends a few requests by hand."""
    return FlexeraHook(flexera_conn_id).get_conn()


def database() -> Database:
    """The warehouse of connection `warehouse`."""
    return Database.connect(_warehouse_url(_connection(WAREHOUSE_CONN_ID)))


def field_map() -> FieldMap:
    """The one map from the API's names to ours."""
    return FieldMap.read(FIELD_MAP)


def methods() -> Catalog:
    """The catalog of recharge methods."""
    return Catalog.read()


def _connection(conn_id: str) -> Any:
    """An Airflow connection; one that is missing or garbled is told with where to set it."""
    where = f"under Admin, Connections, or in the environment variable AIRFLOW_CONN_{conn_id.upper()}"
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise SettingsInvalid(
            f"Connection '{conn_id}' is not defined. Define it {where}. If it is there, as an address, escape "
            "the special characters of its password, such as %40 for @."
        ) from error
    if not isinstance(connection.extra_dejson, dict):
        raise SettingsInvalid(f"Connection '{conn_id}': its extra is no JSON object. Correct it {where}.")
    return connection


def _warehouse_url(connection: Any) -> URL:
    """The address in a postgres connection, with those of its extras that are libpq's (sslmode, options and so on)."""
    if connection.conn_type not in ("postgres", "postgresql"):
        raise SettingsInvalid(
            f"Connection '{WAREHOUSE_CONN_ID}' is of type {connection.conn_type!r}. Make it one of type "
            "'postgres' under Admin, Connections, or in the environment variable AIRFLOW_CONN_WAREHOUSE."
        )
    if "@" in (connection.schema or ""):
        raise SettingsInvalid(
            f"Connection '{WAREHOUSE_CONN_ID}': its password holds a character that is not escaped, so that what "
            "follows is taken for the host. Write %40 for @, %2F for / and so on, or give the connection as JSON."
        )
    return URL.create(
        "postgresql+psycopg2",
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port,
        database=connection.schema or None,
        query=_libpq_options(connection.extra_dejson),
    )


def _libpq_options(extra: Mapping[str, Any]) -> dict[str, str]:
    """The extras that PostgreSQL's client library takes; one that nobody knows may be a misspelled sslmode."""
    given = {
        name: str(value)
        for name, value in extra.items()
        if value not in (None, "") and name not in AIRFLOW_EXTRAS
    }
    if unknown := [name for name in given if not is_libpq_option(name)]:
        raise SettingsInvalid(
            f"Connection '{WAREHOUSE_CONN_ID}': extra {', '.join(unknown)} is unknown to PostgreSQL's client library. "
            "Correct or remove it under Admin, Connections, or in the environment variable AIRFLOW_CONN_WAREHOUSE."
        )
    return given
