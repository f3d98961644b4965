"""`make doctor` as a person calls it: a line per check, the exit code, and no secret."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.engine import make_url

from chargeback.doctor import tenant
from flexera_simulator.testing import running_simulator

if TYPE_CHECKING:
    from flexera_simulator.testing import RunningSimulator

SECRET = "Xq7pVn2kLw9zRt4m"


def warehouse(url: str, **changes: Any) -> str:
    return make_url(url).set(drivername="postgres", **changes).render_as_string(hide_password=False)


def doctor(
    flexera: str | None, warehouse_connection: str | None, **others: str
) -> tuple[int, str, list[list[str]]]:
    """Exit code, everything that was printed, and the lines as level and check."""
    named = {"AIRFLOW_CONN_FLEXERA": flexera, "AIRFLOW_CONN_WAREHOUSE": warehouse_connection, **others}
    done = subprocess.run(
        [sys.executable, "-m", "chargeback", "doctor"],
        capture_output=True,
        text=True,
        env={**os.environ, **{name: value for name, value in named.items() if value is not None}},
    )
    lines = re.findall(r"^(ok|warning|problem) +(.+?)  ", done.stdout, flags=re.MULTILINE)
    return done.returncode, done.stdout + done.stderr, [list(line) for line in lines]


@pytest.mark.usefixtures("airflow_metadata")
def test_a_world_that_is_well_ends_with_0_and_has_a_line_for_every_part(
    simulator: RunningSimulator, warehouse_url: str
) -> None:
    code, text, lines = doctor(json.dumps(simulator.connection()), warehouse(warehouse_url))

    assert code == 0, text
    assert {"python", "pools", "warehouse", "schema", "access token", "required fields"} <= {
        check for _, check in lines
    }
    assert simulator.settings.client_secret not in text
    assert str(make_url(warehouse_url).password) not in text


@pytest.mark.usefixtures("airflow_metadata")
def test_every_organization_is_looked_at_and_told_by_its_connection(
    simulator: RunningSimulator, warehouse_url: str
) -> None:
    with running_simulator(profile="no_role", org=("67890",), requests_per_minute=0) as emea:
        code, text, _ = doctor(
            json.dumps(simulator.connection()),
            warehouse(warehouse_url),
            AIRFLOW_CONN_FLEXERA_EMEA=json.dumps(emea.connection()),
            AIRFLOW_CONN_FLEXERA_APAC=json.dumps(emea.connection() | {"password": ""}),
            AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS='["flexera_emea", "flexera_apac"]',
        )
        sent = emea.api_request_count()

    assert code == 1
    assert 1 <= sent <= tenant.MOST_REQUESTS
    for line in (
        r"ok +connection +flexera: organization 12345 at",
        r"ok +organization +flexera: 12345 shows 60 licenses",
        r"ok +connection +flexera_emea: organization 67890 at",
        r"ok +access token +flexera_emea: obtained",
        r"problem +organization +flexera_emea: .*give its account a role",
        r"problem +connection +Connection 'flexera_apac': password .* is missing",
        r"warning +published +flexera_emea: organization 67890: no snapshot is published yet",
    ):
        assert re.search(f"^{line}", text, flags=re.MULTILINE), (line, text)
    assert "AIRFLOW_CONN_FLEXERA_APAC" in text
    assert emea.settings.client_secret not in text


@pytest.mark.usefixtures("airflow_metadata")
def test_two_connections_to_one_organization_are_a_problem(
    simulator: RunningSimulator, warehouse_url: str
) -> None:
    connection = json.dumps(simulator.connection())
    code, text, _ = doctor(
        connection,
        warehouse(warehouse_url),
        AIRFLOW_CONN_FLEXERA_EMEA=connection,
        AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS='["flexera_emea"]',
    )

    assert code == 1
    assert re.search("^problem +organizations +flexera and flexera_emea lead to 12345", text, re.MULTILINE)


@pytest.mark.usefixtures("airflow_metadata")
def test_a_wrong_list_of_organizations_is_told_and_the_first_is_looked_at(
    simulator: RunningSimulator, warehouse_url: str
) -> None:
    code, _, lines = doctor(
        json.dumps(simulator.connection()),
        warehouse(warehouse_url),
        AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS="emea",
    )

    assert code == 1
    assert ["problem", "organizations"] in lines
    assert ["ok", "access token"] in lines


@pytest.mark.usefixtures("airflow_metadata")
def test_everything_wrong_at_once_is_told_at_once_with_1_and_without_a_secret(
    simulator: RunningSimulator, warehouse_url: str
) -> None:
    connection = simulator.connection() | {"password": SECRET}
    code, text, lines = doctor(json.dumps(connection), warehouse(warehouse_url, password=f"{SECRET}2"))

    assert code == 1
    assert ["problem", "warehouse"] in lines
    assert ["problem", "access token"] in lines
    assert SECRET not in text


@pytest.mark.usefixtures("airflow_metadata")
def test_connections_that_are_not_defined_are_told_with_where_to_define_them() -> None:
    code, text, lines = doctor(None, None)

    assert code == 1
    assert ["problem", "connection"] in lines
    assert "AIRFLOW_CONN_WAREHOUSE" in text
    assert "Traceback" not in text


def test_an_airflow_without_its_database_is_told_too(
    simulator: RunningSimulator, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://a:b@127.0.0.1:1/none")
    code, text, lines = doctor(json.dumps(simulator.connection()), warehouse(warehouse_url))

    assert code == 1
    assert ["problem", "Airflow database"] in lines
    assert ["ok", "access token"] in lines
    assert "Traceback" not in text
