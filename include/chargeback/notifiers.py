"""Messages to people through Airflow's notifiers: on a failure, on publishing, when nights stop, when the limit is dry.

The Airflow variable `chargeback_notifiers` (or `AIRFLOW_VAR_CHARGEBACK_NOTIFIERS`) says who is told, as a JSON list:

    [{"class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
      "kwargs": {"to": "itam@example.com", "subject": "{{ notice.title }}",
                 "html_content": "<pre>{{ notice.text | e }}</pre>"},
      "events": ["failure", "staleness", "starvation"]}]

Without it, every message goes to the task's log.
"""

from __future__ import annotations

import json
import logging
import pkgutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, Variable, get_current_context

from chargeback import hooks, organizations
from chargeback.context import reason
from chargeback.errors import SnapshotStale
from chargeback.plain_text import plain_logger
from chargeback.steps import freshness, notices
from chargeback.steps.notices import EVENTS, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

log = plain_logger(__name__)

CORRECTION = (
    "Correct it under Admin, Variables, or in the environment variable AIRFLOW_VAR_CHARGEBACK_NOTIFIERS"
)
_FIELDS = {"class", "kwargs", "events"}


class LogNotifier(BaseNotifier):
    """Writes the message to the log of the task it is about."""

    def notify(self, context: Any) -> None:
        notice: Notice = context["notice"]
        level = logging.INFO if notice.event == "publish" else logging.WARNING
        log.log(level, "%s", notice)


def on_failure(context: Any) -> None:
    """Tell of a task that failed for good."""
    task = context["ti"]
    if isinstance(context["exception"], SnapshotStale):
        _tell_staleness(context, _label(task) or organizations.FIRST)
        return
    log_url = getattr(task, "log_url", None)
    notice = notices.failed(task.task_id, bearer(task), reason(context["exception"]), log_url)
    _send_once(context, notice, f"{_subject(task)}, try {task.try_number}")


def on_death(context: Any, task_id: str, license_name: str | None, why: str) -> None:
    """Tell of a task whose process died before it could say anything; called by the task `report`."""
    subject = f"license {license_name}" if license_name else None
    notice = notices.failed(task_id, subject, why, None)
    _send_once(context, notice, f"{task_id} {license_name or ''}, report {context['ti'].try_number}")


def on_stopped_run(context: Any, dag_id: str, run_id: str) -> None:
    """Tell of a run that Airflow ended before its last task; called by the watch, which closes its load."""
    _send(context, notices.stopped(dag_id, run_id))


def on_carrying_forward(error: Exception) -> None:
    """Tell of a license that was given up for this night, its earlier rows standing in; called by its task."""
    context: Any = get_current_context()
    task = context["ti"]
    notice = notices.carried_forward(_label(task), f"{error}")
    _send_once(context, notice, f"{_subject(task)}, try {task.try_number}")


def on_publish(context: Any) -> None:
    """Tell what BI shows from now on."""
    totals = context["ti"].xcom_pull(task_ids=context["ti"].task_id)
    if totals:
        _send_once(context, notices.published(totals), "published", totals["load_id"])


def on_starvation(held_back_seconds: float) -> None:
    """Tell, once a run, that others use the request limit up; called by the task that is held back."""
    context: Any = get_current_context()
    task = context["ti"]
    conn_id = organizations.connection(task.dag_id) or organizations.FIRST
    _send_once(context, notices.starved(held_back_seconds, _label(task), conn_id), "request budget")


def _tell_staleness(context: Any, flexera_conn_id: str) -> None:
    """Tell, once a day, that the nights of an organization have stopped coming."""
    notice = notices.stale(flexera_conn_id, reason(context["exception"]))

    def unsent() -> Notice | None:
        org_id = hooks.flexera_settings(flexera_conn_id).org_id
        return notice if freshness.is_to_tell(hooks.database(), org_id) else None

    _send_unsent(context, notice, unsent)


def _send_once(context: Any, notice: Notice, subject: str, load_id: int | None = None) -> None:
    """Send what was not sent before of the load, by default that of the run; without a load, send it anyway."""

    def unsent() -> Notice | None:
        of_load = load_id or context["ti"].xcom_pull(task_ids="open_load")
        return notice if of_load is None else notices.to_send(hooks.database(), of_load, notice, subject)

    _send_unsent(context, notice, unsent)


def _send_unsent(context: Any, notice: Notice, unsent: Callable[[], Notice | None]) -> None:
    """Send what is still to be sent of a notice; all of it where that cannot be found out."""
    wanted: Notice | None = notice
    try:
        wanted = unsent()
    except Exception as error:
        log.error("Whether this message was sent before is not known: %s", _one_line(error))  # noqa: TRY400
    if wanted is not None:
        _send(context, wanted)


def _send(context: Any, notice: Notice) -> None:
    """Send to everyone who wants this event. Whatever goes wrong here is told in the log and changes no run."""
    notice = _named(context, notice)
    for notifier in _notifiers(notice.event):
        try:
            notifier({**context, "notice": notice})
        except Exception as error:
            log.error(  # noqa: TRY400 - a notice is no place for a traceback
                "%s failed (%s), so this message was not sent: %s",
                type(notifier).__name__,
                _one_line(error),
                notice,
            )


def mistakes() -> list[str]:
    """What is wrong with the setting of who is told; nobody is."""
    return _read(None)[1]


def _named(context: Any, notice: Notice) -> Notice:
    """The notice; where it is not of the first organization, its title says which nightly DAG it is of."""
    dag = context.get("dag")
    conn_id = organizations.connection(dag.dag_id) if dag else None
    if conn_id in (None, organizations.FIRST):
        return notice
    return replace(notice, title=f"{notice.title} ({dag.dag_id})")


def _notifiers(event: str) -> list[BaseNotifier]:
    """Those who are told of an event. What is wrong in the setting is told in the log, and so is then the message."""
    found, wrong, is_set = _read(event)
    for mistake in wrong:
        log.error("Variable chargeback_notifiers: %s. %s.", mistake, CORRECTION)
    return [*found, LogNotifier()] if wrong or not is_set else found


def _read(event: str | None) -> tuple[list[BaseNotifier], list[str], bool]:
    """The setting: who wants the event, what is wrong, and whether it is set at all."""
    found: list[BaseNotifier] = []
    wrong: list[str] = []
    try:
        entries = _entries()
    except Exception as error:
        return [], [_one_line(error)], True
    for number, entry in enumerate(entries or [], start=1):
        try:
            found += _wanted(entry, event)
        except ValueError as error:
            wrong.append(f"entry {number}: {error}")
    return found, wrong, entries is not None


def _entries() -> list[Any] | None:
    """What the setting lists, None where it is not set."""
    setting = Variable.get("chargeback_notifiers", default=None)
    if not setting:
        return None
    entries = json.loads(setting)
    if not isinstance(entries, list):
        raise TypeError(f"it is {type(entries).__name__}, not a list of notifiers")
    return entries


def _wanted(entry: Any, event: str | None) -> list[BaseNotifier]:
    """The notifier of an entry if it wants the event, in a list; an entry that is wrong is told in any case."""
    if not isinstance(entry, dict) or "class" not in entry or set(entry) - _FIELDS:
        raise ValueError("it must be an object with class and, if wanted, kwargs and events")
    events = entry.get("events", list(EVENTS))
    if not isinstance(events, list) or any(name not in EVENTS for name in events):
        raise ValueError(f"events is {events!r}; it may hold {', '.join(EVENTS)}")
    try:
        kind = pkgutil.resolve_name(entry["class"])
        made = kind(**entry.get("kwargs", {})) if issubclass(kind, BaseNotifier) else None
    except Exception as error:
        raise ValueError(f"{entry['class']} cannot be made ({_one_line(error)})") from error
    if made is None:
        raise ValueError(f"{entry['class']} is no notifier of Airflow")
    return [made] if event in events else []


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _subject(task: Any) -> str:
    return f"{task.task_id} {_label(task) or ''}".strip()


def bearer(task: Any) -> str | None:
    """What a mapped task is of, in words: a license of the night, or a connection."""
    label = _label(task)
    kind = "license" if organizations.connection(task.dag_id) else "connection"
    return f"{kind} {label}" if label else None


def _label(task: Any) -> str | None:
    """The name that a mapped task bears."""
    return getattr(task, "rendered_map_index", None) or None
