"""Connections as Airflow reads them from the environment, without loading Airflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy.engine import URL, make_url

from chargeback.warehouse.database import is_libpq_option
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "AIRFLOW_CONN_"
FLEXERA = f"{PREFIX}FLEXERA"
WAREHOUSE = f"{PREFIX}WAREHOUSE"
LIBPQ_NAMES = {"host": "host", "port": "port", "login": "user", "password": "password", "schema": "dbname"}


def warehouse_parameters(environment: Mapping[str, str]) -> dict[str, Any]:
    """Connection `warehouse` in libpq's words: host, port, user, password, dbname, and the extras that libpq has.

    What else is in the extra is Airflow's, or a mistake that the run and the doctor tell.
    """
    fields = _fields(WAREHOUSE, environment[WAREHOUSE])
    if fields.get("conn_type") not in ("postgres", "postgresql"):
        raise Problem(
            f"{WAREHOUSE} is of type {fields.get('conn_type')!r}; it must be a connection of type postgres."
        )
    extra = _extra(WAREHOUSE, fields)
    options = {name: value for name, value in extra.items() if is_libpq_option(name)}
    named = {ours: fields.get(airflows) for airflows, ours in LIBPQ_NAMES.items()}
    if not str(named["port"] or 0).isdecimal():
        raise Problem(f"{WAREHOUSE}: its port is {named['port']!r}, not a number.")
    return {name: str(value) for name, value in {**options, **named}.items() if value not in (None, "")}


def warehouse_url(environment: Mapping[str, str]) -> URL:
    """Connection `warehouse` for SQLAlchemy."""
    parameters = warehouse_parameters(environment)
    named = {name: parameters.pop(name, None) for name in LIBPQ_NAMES.values()}
    return URL.create(
        "postgresql+psycopg2",
        username=named["user"],
        password=named["password"],
        host=named["host"],
        port=int(named["port"]) if named["port"] else None,
        database=named["dbname"],
        query=parameters,
    )


def organization(environment: Mapping[str, str]) -> str:
    """The organization that connection `flexera` leads to; empty where it names none, which the run tells."""
    fields = _fields(FLEXERA, environment[FLEXERA])
    return str(_extra(FLEXERA, fields).get("org_id") or "")


def postgres_connection(url: str) -> str:
    """The address of a PostgreSQL database as an Airflow connection."""
    parts = make_url(url)
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": parts.host,
            "port": parts.port,
            "login": parts.username,
            "password": parts.password,
            "schema": parts.database,
        }
    )


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """Passwords of all connections, to be kept out of what is printed; a Problem if one of our two is unreadable."""
    found = []
    for name in (name for name in environment if name.startswith(PREFIX)):
        try:
            found.append(_fields(name, environment[name]).get("password"))
        except Problem:
            if name in (FLEXERA, WAREHOUSE):
                raise
    return [str(password) for password in found if password]


def _fields(name: str, value: str) -> dict[str, Any]:
    """A connection's fields, from either of the two forms Airflow allows."""
    try:
        fields = json.loads(value) if value.lstrip().startswith("{") else _fields_of_address(value.strip())
    except ValueError:
        raise Problem(
            f"{name} is neither JSON nor an address like postgres://user:password@host:5432/database, "
            "with %40 for @ and %2F for / in its password."
        ) from None
    return fields if isinstance(fields, dict) else {}


def _extra(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The extra of a connection, which may be an object or its JSON."""
    extra = fields.get("extra") or {}
    try:
        extra = json.loads(extra) if isinstance(extra, str) else extra
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise Problem(f"{name}: its extra is no JSON object.")
    return extra


def _fields_of_address(value: str) -> dict[str, Any]:
    parts = urlsplit(value)
    if "@" in parts.path + parts.fragment:  # else a part of the password would be told as the host
        raise ValueError("a character of the password is not escaped")
    extra = dict(parse_qsl(parts.query))
    if "__extra__" in extra:
        extra = json.loads(extra["__extra__"])
    return {
        "conn_type": parts.scheme,
        "host": unquote(parts.hostname or ""),
        "port": parts.port,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": unquote(parts.path.lstrip("/")),
        "extra": extra,
    }
