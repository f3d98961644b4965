"""The two connections, read without Airflow as Airflow reads them."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import Connection

from local_runtime.connections import (
    FLEXERA,
    WAREHOUSE,
    asks_for_simulator,
    misspelled,
    postgres_connection,
    refuse_misspelled,
    secrets_in,
    warehouse_parameters,
    warehouse_url,
)
from local_runtime.problem import Problem

ADDRESS = "postgres://finance%40corp:p%2Fw%3A1@db.example:6432/ware%20house?sslmode=require&connect_timeout=5"
FIELDS = {
    "conn_type": "postgres",
    "host": "db.example",
    "port": 6432,
    "login": "finance@corp",
    "password": "p/w:1",
    "schema": "ware house",
    "extra": {"sslmode": "require", "connect_timeout": "5"},
}
SAME = {
    "an address": ADDRESS,
    "JSON": json.dumps(FIELDS),
    "JSON with its extra as text": json.dumps({**FIELDS, "extra": json.dumps(FIELDS["extra"])}),
    "an address with its extra in one": (
        "postgresql://finance%40corp:p%2Fw%3A1@db.example:6432/ware%20house"
        "?__extra__=%7B%22sslmode%22%3A+%22require%22%2C+%22connect_timeout%22%3A+%225%22%7D"
    ),
}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME)
def test_every_form_of_a_connection_means_what_airflow_makes_of_it(value) -> None:
    airflows = (
        Connection.from_json(value) if value.startswith("{") else Connection(conn_id="warehouse", uri=value)
    )

    assert warehouse_parameters({WAREHOUSE: value}) == {
        "host": airflows.host,
        "port": str(airflows.port),
        "user": airflows.login,
        "password": airflows.password,
        "dbname": airflows.schema,
        **airflows.extra_dejson,
    }


def test_what_airflow_itself_reads_of_the_extra_is_kept_from_libpq() -> None:
    extra = {"cursor": "dictcursor", "iam": False, "sslmode": "require"}
    parameters = warehouse_parameters({WAREHOUSE: json.dumps({**FIELDS, "extra": extra})})

    assert set(parameters) == {"host", "port", "user", "password", "dbname", "sslmode"}


def test_the_address_for_sqlalchemy_keeps_every_part() -> None:
    url = warehouse_url({WAREHOUSE: ADDRESS})

    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg2", "finance@corp", "p/w:1")
    assert (url.host, url.port, url.database) == ("db.example", 6432, "ware house")
    assert dict(url.query) == {"sslmode": "require", "connect_timeout": "5"}


def test_the_embedded_servers_address_survives_the_way_through_a_connection() -> None:
    url = "postgresql://postgres:0123abcd@127.0.0.1:5555/warehouse"

    assert warehouse_parameters({WAREHOUSE: postgres_connection(url)}) == {
        "host": "127.0.0.1",
        "port": "5555",
        "user": "postgres",
        "password": "0123abcd",
        "dbname": "warehouse",
    }


def test_a_connection_that_cannot_be_read_is_one_sentence_without_its_password() -> None:
    with pytest.raises(Problem, match="is neither JSON nor an address") as caught:
        warehouse_parameters({WAREHOUSE: '{"conn_type": "postgres", "password": "s3cret"'})

    assert "s3cret" not in str(caught.value)


def test_a_warehouse_that_is_no_postgresql_is_refused() -> None:
    with pytest.raises(Problem, match="of type 'mysql'; it must be a connection of type postgres"):
        warehouse_parameters({WAREHOUSE: "mysql://user:password@host/database"})


def test_the_passwords_of_both_are_known_as_secrets() -> None:
    flexera = json.dumps({"conn_type": "flexera", "login": "id", "password": "client secret"})

    assert secrets_in({FLEXERA: flexera, WAREHOUSE: ADDRESS}) == ["client secret", "p/w:1"]


@pytest.mark.parametrize(
    ("environment", "is_simulated"),
    [
        ({}, True),
        ({FLEXERA: ""}, True),
        ({FLEXERA: "{}"}, False),
        ({FLEXERA: "{}", WAREHOUSE: ADDRESS}, False),
        ({WAREHOUSE: ""}, True),
        ({WAREHOUSE: ADDRESS, "FLEXERA": "simulator"}, True),
        ({WAREHOUSE: ADDRESS, FLEXERA: "{}", "FLEXERA": " Simulator "}, True),
        ({"AIRFLOW_CONN_FLEXERA_EMEA": "{}"}, True),
        ({"AIRFLOW_CONN_FLEXRA": "{}", "FLEXERA": "simulator"}, True),
    ],
)
def test_the_simulator_is_read_where_no_tenant_is_named_or_it_is_asked_for(environment, is_simulated) -> None:
    assert asks_for_simulator(environment) is is_simulated


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "AIRFLOW_CONN_FLEXERA is not set: "),
        ({FLEXERA: ""}, "AIRFLOW_CONN_FLEXERA is empty: "),
        ({FLEXERA: " \n"}, "AIRFLOW_CONN_FLEXERA is empty: "),
        ({"AIRFLOW_CONN_FLEXERA_EMEA": "{}"}, "AIRFLOW_CONN_FLEXERA is not set: "),
        ({"FLEXERA": "tenant"}, "say FLEXERA=simulator"),
        (
            {"AIRFLOW_CONN_FLEXRA": "{}"},
            "AIRFLOW_CONN_FLEXRA is set, but AIRFLOW_CONN_FLEXERA is not set. Rename",
        ),
        ({"AIRFLOW_CONN_FLEXRA": "{}", FLEXERA: ""}, "but AIRFLOW_CONN_FLEXERA is empty. Rename it"),
    ],
)
def test_simulated_data_never_reach_a_warehouse_of_the_user_unasked(environment, said) -> None:
    with pytest.raises(Problem) as caught:
        asks_for_simulator({WAREHOUSE: ADDRESS, **environment})

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ADDRESS not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "AIRFLOW_CONN_FLEXRA",
        "airflow_conn_flexera",
        "AIRFLOW_CONN_Flexera",
        "AIRFLOW_CONN_FLEXERRA",
        "AIRFLOW_CONN_FELXERA",
        "AIRFLOW_CONN_FLEX",
        "AIRFLOW_CON_FLEXERA",
        "AIRFLOW_CONNECTION_FLEXERA",
        "AIRFLOW__CONN__FLEXERA",
        "AIRLFOW_CONN_FLEXERA",
    ],
)
def test_a_slip_in_the_name_of_a_variable_is_named(given) -> None:
    with pytest.raises(Problem, match=f"^{given} is set, but AIRFLOW_CONN_FLEXERA is not set"):
        asks_for_simulator({given: "{}"})
    assert misspelled({given: "{}", FLEXERA: "{}"}, FLEXERA) == []


@pytest.mark.parametrize(
    "given", ["AIRFLOW_CONN_WAREHOSE", "airflow_conn_warehouse", "AIRFLOW_CON_WAREHOUSE"]
)
def test_a_warehouse_is_not_replaced_because_of_a_slip(given) -> None:
    with pytest.raises(Problem, match=f"^{given} is set, but AIRFLOW_CONN_WAREHOUSE is not set. Rename it"):
        refuse_misspelled({given: ADDRESS}, WAREHOUSE)


def test_other_connections_are_no_slips() -> None:
    others = [
        "SMTP_DEFAULT",
        "FILE",
        "HTTP_DEFAULT",
        "WEBHOOK",
        "REDSHIFT",
        "WAREHOUSE_DEV",
        "FLEXERA_APAC",
        "FTP",
    ]
    environment = {f"AIRFLOW_CONN_{name}": "x" for name in others} | {"PATH": "/bin", "FLEXERA_HOME": "/x"}

    assert misspelled(environment, FLEXERA) == misspelled(environment, WAREHOUSE) == []
