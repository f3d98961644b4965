"""Errors of drivers and of Python reach people and the retry policy as ours do."""

from __future__ import annotations

import pytest
import requests
import sqlalchemy
from psycopg2 import OperationalError as Lost
from psycopg2.errors import ProgramLimitExceeded
from sqlalchemy import exc
from sqlalchemy.engine import make_url

from chargeback.errors import (
    AccessDenied,
    ChargebackError,
    ConnectionLost,
    FinalError,
    TemporaryError,
    UnexpectedFailure,
    WarehouseRefused,
)
from chargeback.failures import as_ours, named

SECRET = "a value of a payload"
TOO_LONG = """
create temp table texts (text text primary key);
insert into texts select string_agg(md5(number::text), '') from generate_series(1, 3000) as number
"""


def of_driver(cause: Exception) -> exc.OperationalError:
    return exc.OperationalError(f"insert into x values ('{SECRET}')", {"value": SECRET}, cause)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (of_driver(Lost("server closed the connection unexpectedly")), ConnectionLost, "server closed"),
        (Lost("could not connect to server: Connection refused"), ConnectionLost, "Connection refused"),
        (Lost("FATAL:  the database system is starting up"), ConnectionLost, "starting up"),
        (
            exc.InterfaceError("select 1", {}, Exception("connection already closed")),
            ConnectionLost,
            "already",
        ),
        (
            Lost('FATAL:  password authentication failed for user "x"'),
            WarehouseRefused,
            "connection 'warehouse'",
        ),
        (Lost('FATAL:  database "x" does not exist'), WarehouseRefused, "Correct connection"),
        (
            of_driver(ProgramLimitExceeded("index row size 3016 exceeds maximum 2704")),
            WarehouseRefused,
            "too long",
        ),
        (
            ValueError("A string literal cannot contain NUL (0x00) characters."),
            WarehouseRefused,
            "character NUL",
        ),
        (
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
            WarehouseRefused,
            "half of a",
        ),
        (KeyError("rows"), UnexpectedFailure, "'rows'"),
        (ZeroDivisionError(), UnexpectedFailure, "says nothing more"),
        (MemoryError(), UnexpectedFailure, "MemoryError"),
        (RecursionError("maximum recursion depth exceeded"), UnexpectedFailure, "recursion depth"),
        (FileNotFoundError(2, "No such file or directory"), UnexpectedFailure, "No such file"),
        (requests.exceptions.InvalidURL("no host"), UnexpectedFailure, "no host"),
        (TimeoutError("timed out"), ConnectionLost, "timed out"),
        (ConnectionResetError(104, "Connection reset by peer"), ConnectionLost, "reset by peer"),
        (requests.ConnectionError("no route"), ConnectionLost, "no route"),
    ],
)
def test_an_error_says_what_happened_and_what_to_do_and_no_value(
    error: Exception, kind: type[ChargebackError], words: str
) -> None:
    ours = as_ours(error)

    assert type(ours) is kind
    assert words in str(ours)
    assert str(ours).endswith((".", "again."))
    assert SECRET not in str(ours)
    assert "sqlalche" not in str(ours)
    assert ours.__cause__ is error


def test_an_error_of_ours_stays_itself() -> None:
    denied = AccessDenied("License 1: denied. Ask for the role.")

    assert as_ours(denied) is denied
    assert named(denied, "License 1") is denied


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("select 1 / 0", FinalError),
        ("select 'x'::numeric", FinalError),
        ("select 99999999999::integer", FinalError),
        ("select * from nothing_like_this", FinalError),
        ("select set_config('statement_timeout', '1', false); select pg_sleep(1)", TemporaryError),
        ("select pg_terminate_backend(pg_backend_pid())", TemporaryError),
        (TOO_LONG, FinalError),
    ],
)
def test_what_postgresql_says_is_temporary_or_final_by_its_state(
    postgres_url: str, statement: str, kind: type[ChargebackError]
) -> None:
    engine = sqlalchemy.create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg2"))

    with pytest.raises(exc.DBAPIError) as caught, engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert isinstance(as_ours(caught.value), kind)


def test_a_license_is_named_once() -> None:
    assert str(named(KeyErrorOfOurs("it broke"), "License 7 (Visio)")) == "License 7 (Visio): it broke"


class KeyErrorOfOurs(UnexpectedFailure):
    """A failure without the name of a license."""
