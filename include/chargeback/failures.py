"""Any exception as an error of ours: what happened in plain words, and if time may heal it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
from psycopg2.errors import ProgramLimitExceeded
from sqlalchemy import exc

from chargeback.errors import ChargebackError, ConnectionLost, UnexpectedFailure, WarehouseRefused
from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 300
# Classes and codes of SQLSTATE: connections, resources, rollbacks, a standby, locks, a server that stops.
_TEMPORARY_STATES = ("08", "25006", "40", "53", "55P03", "57", "58")
_NO_STATE_BUT_FINAL = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "not permitted",
    "SSL",
)
# What of the file system time does not heal; requests raises a wrong address as a ValueError that is an OSError, too.
_FINAL_OS_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, ValueError)
_PLAIN_STATES = {
    "22001": "a text is too long for its column",
    "22003": "a number is too large for its column",
    "22021": "a text holds bytes that PostgreSQL cannot store",
    "22P05": "a text holds a character that PostgreSQL cannot store",
    "54000": "a value is too long for PostgreSQL",
}
_REPORT = (
    "Look for the odd value in the answer of Flexera One and correct it there, or report this with the log of the "
    "task to those who maintain this project."
)


def as_ours(error: Exception) -> ChargebackError:
    """The error itself where it is ours; else one of ours with the same reason, without statements and their values."""
    if isinstance(error, ChargebackError):
        return error
    ours = _translated(error)
    ours.__cause__ = error
    return ours


def named(error: ChargebackError, what: str) -> ChargebackError:
    """The error with the name of what it is about in front, unless it begins with a license itself."""
    if f"{error}".casefold().startswith("license "):
        return error
    renamed = type(error)(f"{what}: {error}")
    renamed.__cause__ = error.__cause__ or error
    return renamed


def _translated(error: Exception) -> ChargebackError:
    cause = getattr(error, "orig", None) or error
    if isinstance(error, exc.DBAPIError) or isinstance(cause, psycopg2.Error):
        return _of_database(error, cause)
    if isinstance(cause, OSError) and not isinstance(cause, _FINAL_OS_ERRORS):
        return ConnectionLost(
            f"A connection or a file failed: {_text(cause)}. See if the server and the disk can be reached; the "
            "task is tried again."
        )
    if isinstance(cause, ValueError) and (reason := _unstorable(cause)):
        return WarehouseRefused(f"PostgreSQL refused a value: {reason}. {_REPORT}")
    return UnexpectedFailure(f"Unexpected {type(cause).__name__}: {_text(cause)}. {_REPORT}")


def _of_database(error: Exception, cause: BaseException) -> ChargebackError:
    state = getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None) or _state_of_class(cause)
    text = _text(cause)
    if _is_temporary(error, cause, state, text):
        return ConnectionLost(
            f"The warehouse did not answer as it should: {text}. See if its server runs and can be reached; the task "
            "is tried again."
        )
    reason = f"{_PLAIN_STATES[state]} ({text})" if state in _PLAIN_STATES else text
    if not state and _holds(text, _NO_STATE_BUT_FINAL):
        return WarehouseRefused(
            f"The warehouse refused the connection: {reason}. Correct connection 'warehouse' under Admin, "
            "Connections, or in the environment variable AIRFLOW_CONN_WAREHOUSE."
        )
    return WarehouseRefused(f"PostgreSQL refused a statement: {reason}. {_REPORT}")


def _is_temporary(error: Exception, cause: BaseException, state: str, text: str) -> bool:
    if state:
        return state.startswith(_TEMPORARY_STATES)
    is_of_connection = isinstance(error, (exc.OperationalError, exc.InterfaceError)) or isinstance(
        cause, (psycopg2.OperationalError, psycopg2.InterfaceError)
    )
    return is_of_connection and not _holds(text, _NO_STATE_BUT_FINAL)


def _state_of_class(cause: BaseException) -> str:
    """The SQLSTATE of an error that the driver made without one: the class it has besides tells it."""
    return "54000" if isinstance(cause, ProgramLimitExceeded) else ""


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)


def _unstorable(error: ValueError) -> str | None:
    if isinstance(error, UnicodeError):
        return "a text holds half of a character, which is no Unicode"
    return "a text holds the character NUL" if "NUL" in f"{error}" else None


def _text(error: BaseException) -> str:
    """What the error says, without PostgreSQL's details, which may hold values."""
    said = getattr(getattr(error, "diag", None), "message_primary", None) or getattr(error, "strerror", None)
    return plain(said or error, _LONGEST).rstrip(".") or "it says nothing more"
