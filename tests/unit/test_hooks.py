"""The doorway to Airflow's connections, read from the environment as a task reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
from sqlalchemy.engine import make_url

from chargeback import hooks
from chargeback.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexera_simulator.testing import RunningSimulator

WAREHOUSE = {
    "conn_type": "postgres",
    "host": "db.example.com",
    "port": 5433,
    "login": "chargeback",
    "password": "p@ss/word",
    "schema": "warehouse",
    "extra": {"sslmode": "verify-full", "connect_timeout": 5},
}


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    def set_connection(conn_id: str, connection: Any) -> None:
        text = connection if isinstance(connection, str) else json.dumps(connection)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)

    return set_connection


def test_the_warehouse_is_where_its_connection_says(define: Callable[[str, Any], None]) -> None:
    define("warehouse", WAREHOUSE)

    url = hooks.database().url

    assert (url.drivername, url.host, url.port) == ("postgresql+psycopg2", "db.example.com", 5433)
    assert (url.username, url.password, url.database) == ("chargeback", "p@ss/word", "warehouse")
    assert dict(url.query) == {"sslmode": "verify-full", "connect_timeout": "5"}


def test_the_warehouse_may_be_given_as_an_address(define: Callable[[str, Any], None]) -> None:
    define("warehouse", "postgresql://someone:hush@db.example.com/warehouse?sslmode=require")

    url = hooks.database().url

    assert (url.host, url.database, dict(url.query)) == (
        "db.example.com",
        "warehouse",
        {"sslmode": "require"},
    )


def test_what_airflow_itself_reads_of_the_extra_is_kept_from_the_server(
    define: Callable[[str, Any], None], warehouse_url: str
) -> None:
    url = make_url(warehouse_url)
    fields = {"host": url.host, "port": url.port, "login": url.username, "password": url.password}
    extra = {"cursor": "realdictcursor", "iam": False, "aws_conn_id": "aws", "connect_timeout": 5}
    define("warehouse", {"conn_type": "postgres", "schema": url.database, **fields, "extra": extra})

    with hooks.database().session() as connection:
        assert connection.exec_driver_sql("select 1").scalar_one() == 1
    assert dict(hooks.database().url.query) == {"connect_timeout": "5"}


def test_airflow_reads_these_extras_and_no_others() -> None:
    assert PostgresHook.ignored_extra_options == hooks.AIRFLOW_EXTRAS


def test_an_extra_of_the_warehouse_that_nobody_knows_is_told(define: Callable[[str, Any], None]) -> None:
    define("warehouse", {**WAREHOUSE, "extra": {"sslmod": "verify-full", "sslmode": "require", "colour": 1}})

    with pytest.raises(SettingsInvalid, match="'warehouse': extra sslmod, colour is unknown"):
        hooks.database()


@pytest.mark.parametrize(
    ("conn_id", "read"), [("warehouse", hooks.database), ("flexera", hooks.flexera_settings)]
)
def test_a_connection_that_is_not_defined_is_told_with_where_to_define_it(
    conn_id: str, read: Callable[[], Any]
) -> None:
    with pytest.raises(SettingsInvalid, match=f"'{conn_id}' is not defined.*AIRFLOW_CONN_{conn_id.upper()}"):
        read()


def test_a_warehouse_of_another_kind_is_refused(define: Callable[[str, Any], None]) -> None:
    define("warehouse", {**WAREHOUSE, "conn_type": "mysql"})

    with pytest.raises(SettingsInvalid, match="'warehouse' is of type 'mysql'"):
        hooks.database()


def test_an_extra_that_is_no_object_is_told(define: Callable[[str, Any], None]) -> None:
    define("flexera", {"conn_type": "flexera", "login": "a", "password": "b", "extra": "[1]"})

    with pytest.raises(SettingsInvalid, match="'flexera': its extra is no JSON object"):
        hooks.flexera_settings()


def test_the_session_carries_neither_the_login_nor_our_extras(
    define: Callable[[str, Any], None], simulator: RunningSimulator
) -> None:
    define("flexera", simulator.connection())

    session = hooks.FlexeraHook().get_conn()

    assert session.auth is None
    assert {name.lower() for name in session.headers} <= {
        "user-agent",
        "accept-encoding",
        "accept",
        "connection",
    }


def test_the_button_of_the_form_tells_that_the_connection_works(
    define: Callable[[str, Any], None], simulator: RunningSimulator
) -> None:
    define("flexera", simulator.connection())

    is_good, message = hooks.FlexeraHook().test_connection()

    assert is_good, message
    assert "Organization 12345 answered" in message


def test_the_button_of_the_form_tells_what_is_wrong(
    define: Callable[[str, Any], None], simulator: RunningSimulator
) -> None:
    define("flexera", {**simulator.connection(), "password": "not-the-secret"})

    is_good, message = hooks.FlexeraHook().test_connection()

    assert not is_good
    assert "Check login, password" in message
    assert "not-the-secret" not in message


def test_the_button_of_the_form_does_not_wait_for_the_request_limit(
    define: Callable[[str, Any], None], simulator: RunningSimulator
) -> None:
    define("flexera", simulator.connection())
    simulator.add_fault(path="/licenses", status=429, headers={"retry-after": "40"})

    is_good, message = hooks.FlexeraHook().test_connection()

    assert not is_good
    assert "used up for another 40 s; the connection works" in message


def test_a_client_shares_its_pace_through_the_warehouse(
    define: Callable[[str, Any], None], simulator: RunningSimulator, warehouse_url: str
) -> None:
    define("flexera", simulator.connection())
    define("warehouse", warehouse_url.replace("postgresql+psycopg2", "postgresql"))
    database = hooks.database()

    client = hooks.flexera(database)
    list(client.license_pages())

    with database.session() as connection:
        counts = dict(
            connection.exec_driver_sql("select budget_id, request_count from ops.request_budgets").all()
        )
    host = simulator.url.removeprefix("http://")
    assert counts == {f"{host}/12345": client.request_count, f"{host}/token/12345": 1}


def test_the_connection_type_has_its_form() -> None:
    manager = ProvidersManager()
    fields = {
        name.removeprefix("extra__flexera__")
        for name in manager.connection_form_widgets
        if name.startswith("extra__flexera__")
    }

    hook = ProvidersManagerTaskRuntime().hooks["flexera"]

    assert hook is not None
    assert hook.hook_class_name == "chargeback.hooks.FlexeraHook"
    assert fields == {
        "org_id",
        "zone",
        "grant_type",
        "api_url",
        "token_url",
        "requests_per_minute",
        "page_size",
        "timeout",
        "max_answer_mb",
        "max_pages",
        "verify",
    }
    assert "host" in manager.field_behaviours["flexera"]["hidden_fields"]
