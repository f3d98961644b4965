"""The organizations of this installation: each is a connection to Flexera One and a nightly DAG of its own.

`flexera` is the first, with the DAG `license_chargeback`. The Airflow variable `chargeback_organizations` (or
`AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS`) lists the connections of the others as JSON:

    ["flexera_emea", "flexera_apac"]

Their DAGs are `license_chargeback_emea` and `license_chargeback_apac`.
"""

from __future__ import annotations

import json
import re

from airflow.sdk import Variable

from chargeback.errors import SettingsInvalid
from chargeback.settings import FIRST_CONNECTION

FIRST = FIRST_CONNECTION
_NIGHTLY = "license_chargeback"
_FURTHER = re.compile(r"flexera_[A-Za-z0-9_.-]{1,100}")


def connections() -> list[str]:
    """The connection of every organization, `flexera` first. SettingsInvalid where the variable is wrong."""
    setting = Variable.get("chargeback_organizations", default=None)
    return list(dict.fromkeys([FIRST, *_listed(setting)])) if setting else [FIRST]


def dag_id(flexera_conn_id: str) -> str:
    """The nightly DAG of the organization that a connection leads to."""
    return _NIGHTLY + flexera_conn_id.removeprefix(FIRST)


def connection(dag_id: str) -> str | None:
    """The connection that a nightly DAG reads from; None for any other DAG."""
    conn_id = FIRST + dag_id.removeprefix(_NIGHTLY)
    is_nightly = dag_id == _NIGHTLY or (dag_id.startswith(_NIGHTLY) and _FURTHER.fullmatch(conn_id))
    return conn_id if is_nightly else None


def _listed(setting: str) -> list[str]:
    try:
        listed = json.loads(setting)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise _wrong("it is no JSON list of connections")
    mistakes = [
        f"{entry!r} is no connection id that begins with flexera_"
        for entry in listed
        if entry != FIRST and not (isinstance(entry, str) and _FURTHER.fullmatch(entry))
    ]
    if mistakes:
        raise _wrong("; ".join(mistakes))
    return listed


def _wrong(why: str) -> SettingsInvalid:
    return SettingsInvalid(
        f'Variable chargeback_organizations: {why}. Write, such as, ["flexera_emea"] under Admin, Variables, or in the '
        "environment variable AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS."
    )
