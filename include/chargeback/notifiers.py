"""Messages to people through Airflow's notifiers: on a failure, on publishing, when the request limit runs dry.

The Airflow variable `chargeback_notifiers` (or `AIRFLOW_VAR_CHARGEBACK_NOTIFIERS`) says who is told, as a JSON list:

    [{"class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
      "kwargs": {"to": "itam@example.com", "subject": "{{ notice.title }}", "html_content": "{{ notice.text }}"},
      "events": ["failure", "starvation"]}]

Without it, every message goes to the task's log.
"""

from __future__ import annotations

import json
import logging
import pkgutil
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, Variable, get_current_context

from chargeback import hooks
from chargeback.steps import notices
from chargeback.steps.notices import EVENTS, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

_FIELDS = {"class", "kwargs", "events"}


class LogNotifier(BaseNotifier):
    """Writes the message to the log of the task it is about."""

    def notify(self, context: Any) -> None:
        notice: Notice = context["notice"]
        level = logging.INFO if notice.event == "publish" else logging.WARNING
        log.log(level, "%s. %s", notice.title, notice.text)


def on_failure(context: Any) -> None:
    """Tell of a task that failed for good."""
    task = context["ti"]
    label = _label(task)
    notice = notices.failed(
        task.task_id, label, f"{context.get('exception')}", getattr(task, "log_url", None)
    )
    _send_once(context, notice, f"{task.task_id} {label or ''}".strip())


def on_carrying_forward(error: Exception) -> None:
    """Tell of a license that was given up for this night, its earlier rows standing in; called by its task."""
    context: Any = get_current_context()
    label = _label(context["ti"])
    _send_once(
        context, notices.carried_forward(label, f"{error}"), f"extract_consumption {label or ''}".strip()
    )


def on_publish(context: Any) -> None:
    """Tell what BI shows from now on."""
    totals = context["ti"].xcom_pull(task_ids=context["ti"].task_id)
    if totals:
        _send_once(context, notices.published(totals), "published")


def on_starvation(waited_seconds: float) -> None:
    """Tell, once a run, that requests wait long for their turn; called by the task that waits."""
    context: Any = get_current_context()
    _send_once(context, notices.starved(waited_seconds, _label(context["ti"])), "request budget")


def _send_once(context: Any, notice: Notice, subject: str) -> None:
    """Send to everyone who wants this event. Whatever goes wrong here is told in the log and changes no run."""
    try:
        load_id = context["ti"].xcom_pull(task_ids="open_load")
        if load_id is None or notices.is_new(hooks.database(), load_id, notice.event, subject):
            for notifier in _notifiers(notice.event):
                notifier({**context, "notice": notice})
    except Exception:
        log.exception("This message could not be sent: %s. %s", notice.title, notice.text)


def _notifiers(event: str) -> Iterator[Callable[[Any], None]]:
    """Those who are told of an event; a wrong setting is told in the log, and so is then the message."""
    setting = Variable.get("chargeback_notifiers", default=None)
    if not setting:
        yield LogNotifier()
        return
    try:
        yield from [_notifier(number, entry) for number, entry in _wanted(json.loads(setting), event)]
    except (TypeError, ValueError) as error:
        log.error("Variable chargeback_notifiers: %s. Correct it under Admin, Variables.", error)  # noqa: TRY400
        yield LogNotifier()


def _wanted(entries: Any, event: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The entries for an event, each checked, with their numbers."""
    if not isinstance(entries, list):
        raise TypeError(f"it is {type(entries).__name__}, not a list of notifiers")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or "class" not in entry or set(entry) - _FIELDS:
            raise ValueError(f"entry {number} must be an object with class and, if wanted, kwargs and events")
        events = entry.get("events", list(EVENTS))
        if not isinstance(events, list) or set(events) - set(EVENTS):
            raise ValueError(f"entry {number}: events is {events!r}; it may hold {', '.join(EVENTS)}")
        if event in events:
            yield number, entry


def _notifier(number: int, entry: dict[str, Any]) -> Callable[[Any], None]:
    try:
        made: Callable[[Any], None] = pkgutil.resolve_name(entry["class"])(**entry.get("kwargs", {}))
    except Exception as error:
        raise ValueError(f"entry {number}: {entry['class']} cannot be made ({error})") from error
    return made


def _label(task: Any) -> str | None:
    """The license name that a mapped task bears."""
    return getattr(task, "rendered_map_index", None) or None
