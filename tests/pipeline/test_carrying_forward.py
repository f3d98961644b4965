"""When a task that cannot read its license gives up, and its earlier rows stand in."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from psycopg2 import OperationalError
from psycopg2.errors import ProgramLimitExceeded
from sqlalchemy import exc

from chargeback import context
from chargeback.errors import AccessDenied, ChargebackError, ServiceBusy
from chargeback.failures import as_ours
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse.database import Database

DAY = date(2026, 11, 24)
RETRIES = 3
BUSY, DENIED = (
    ServiceBusy("license 1: busy. Try later."),
    AccessDenied("license 1: denied. Ask for the role."),
)


TOO_LONG = exc.OperationalError("insert", {}, ProgramLimitExceeded("license 1: index row size 3016"))
LOST = exc.OperationalError("insert", {}, OperationalError("license 1: server closed the connection"))


@pytest.mark.parametrize(
    ("policy", "error", "try_number", "is_given_up"),
    [
        pytest.param("keep_previous", BUSY, 1, False, id="time may heal it, and there are tries left"),
        pytest.param("keep_previous", BUSY, RETRIES, False, id="one try is left"),
        pytest.param("keep_previous", BUSY, RETRIES + 1, True, id="no try is left"),
        pytest.param("keep_previous", DENIED, 1, True, id="another try would not help"),
        pytest.param("keep_previous", TOO_LONG, 1, True, id="the driver refuses a value"),
        pytest.param("keep_previous", KeyError("license 1: rows"), 1, True, id="a fault of ours"),
        pytest.param("keep_previous", LOST, 1, False, id="the connection is lost, with tries left"),
        pytest.param("keep_previous", LOST, RETRIES + 1, True, id="the connection is lost at the last try"),
        pytest.param("fail", DENIED, 1, False, id="the run wants the whole night or none"),
        pytest.param("fail", BUSY, RETRIES + 1, False, id="the same after the last try"),
    ],
)
def test_a_license_is_given_up_only_where_the_run_says_so_and_no_try_is_left(
    warehouse_url: str,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
    error: Exception,
    try_number: int,
    is_given_up: bool,
) -> None:
    database = Database.connect(warehouse_url)
    request = LoadRequest(org_id="12345", snapshot_date=DAY, today=DAY, on_license_failure=policy)
    load_id = loads.open_load(database, request)
    task = SimpleNamespace(try_number=try_number, max_tries=RETRIES)
    monkeypatch.setattr(context, "get_current_context", lambda: {"ti": task})
    told: list[ChargebackError] = []

    with (
        pytest.raises(AirflowSkipException if is_given_up else type(error), match="license 1: "),
        context.previous_kept_on_failure(database, load_id, told.append),
    ):
        raise error

    assert [type(each) for each in told] == ([type(as_ours(error))] if is_given_up else [])
