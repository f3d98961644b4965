"""Connections as Airflow reads them from the environment, without loading Airflow."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
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
SIMULATOR = "FLEXERA"  # FLEXERA=simulator asks for the simulator, also where a tenant or a warehouse is named
LIKE_A_NAME, LIKE_A_VARIABLE = 0.7, 0.82  # how alike two texts are, from 0 to 1
LIBPQ_NAMES = {"host": "host", "port": "port", "login": "user", "password": "password", "schema": "dbname"}


def is_named(environment: Mapping[str, str], name: str) -> bool:
    """True if a variable names a connection: an empty or blank one does not."""
    return bool(environment.get(name, "").strip())


def misspelled(environment: Mapping[str, str], name: str) -> list[str]:
    """The variables that probably mean `name`, which names nothing itself."""
    if is_named(environment, name):
        return []
    return sorted(given for given in environment if given != name and _is_like(given, name))


def refuse_misspelled(environment: Mapping[str, str], name: str) -> None:
    """Stop where a slip in a variable's name would silently replace the user's connection by ours."""
    if found := misspelled(environment, name):
        instead = f" {SIMULATOR}=simulator takes the simulator all the same." if name == FLEXERA else ""
        raise Problem(
            f"{', '.join(found)} is set, but {name} is {_empty_or_not_set(environment, name)}. Rename it to {name}."
            f"{instead}"
        )


def asks_for_simulator(environment: Mapping[str, str]) -> bool:
    """True if the run reads from the simulator; a Problem where its data would reach a warehouse of the user."""
    if environment.get(SIMULATOR, "").strip().casefold() == "simulator":
        return True
    if is_named(environment, FLEXERA):
        return False
    refuse_misspelled(environment, FLEXERA)
    if is_named(environment, WAREHOUSE):
        raise Problem(
            f"{WAREHOUSE} names a warehouse, but {FLEXERA} is {_empty_or_not_set(environment, FLEXERA)}: the data of "
            f"the simulator would be published there. Set {FLEXERA}, or say {SIMULATOR}=simulator if you want that."
        )
    return True


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


def _is_like(given: str, name: str) -> bool:
    """True if one name is probably a slip for the other; further organizations have names of their own."""
    given = given.upper()
    if given.startswith(f"{name}_"):
        return False
    if given.startswith(PREFIX):
        return _likeness(given.removeprefix(PREFIX), name.removeprefix(PREFIX)) >= LIKE_A_NAME
    return _likeness(given, name) >= LIKE_A_VARIABLE


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _empty_or_not_set(environment: Mapping[str, str], name: str) -> str:
    return "empty" if name in environment else "not set"


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
