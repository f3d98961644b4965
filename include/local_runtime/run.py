"""`make run`: the nightly DAG once, here and now, with a line per task."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg2

from chargeback.plain_text import LONGEST_MESSAGE, plain
from chargeback.steps import summary
from chargeback.warehouse.database import Database
from local_runtime import connections, processes
from local_runtime.lease import alone
from local_runtime.places import LOCAL, LOGS
from local_runtime.problem import Problem
from local_runtime.system import METADATA_OF_RUN, say, shown, system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_runtime.system import System

DAG_ID = "license_chargeback"
LAST_TASK = "report"
MISUSE = 2
LONGEST_REASON = 600
LEAST_FREE = 64 * 2**20  # four files of PostgreSQL's write-ahead log

_FAILURE = "select failure from ops.loads where dag_run_id = %s and status = 'failed' order by load_id desc"
_SELECTED = """
    select count(*) from ops.load_licenses
    where
        load_licenses.is_selected
        and load_licenses.load_id = (select max(load_id) from ops.loads where dag_run_id = %s)
"""
_SKIPPED = """
    select extractions.error
    from ops.extractions
    inner join ops.loads on extractions.load_id = loads.load_id
    where loads.dag_run_id = %s and extractions.license_id = any(%s) and extractions.error is not null
    order by extractions.extraction_id desc
"""


@dataclass
class Outcome:
    """How a run went."""

    run_id: str = ""
    state: str = "interrupted"
    reason: str = ""
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    summary: str = ""
    done: int = 0
    total: int = 0


def main(snapshot_date: str, conf_text: str) -> int:
    """Run with what DATE and CONF ask for."""
    conf = conf_from(snapshot_date, conf_text)
    with system(METADATA_OF_RUN) as prepared:
        outcome = run(prepared, conf)
    say(f"Published in {outcome.seconds:.0f} s. {outcome.summary}")
    say("Next: make psql, or make up")
    return 0


def conf_from(snapshot_date: str, conf_text: str) -> dict[str, Any]:
    """The DAG's params from DATE and CONF."""
    conf = _json_object(conf_text)
    if not snapshot_date:
        return conf
    if conf.get("snapshot_date") not in (None, snapshot_date):
        raise Problem(
            f"DATE says {snapshot_date} and CONF says {conf['snapshot_date']}: give one of them", MISUSE
        )
    if not _is_date(snapshot_date):
        raise Problem(f"DATE must be a date like 2026-11-23, not {snapshot_date[:40]!r}", MISUSE)
    return {**conf, "snapshot_date": snapshot_date}


def run(prepared: System, conf: dict[str, Any]) -> Outcome:
    """Run the DAG to its end; a run that fails is a Problem with its reason.

    Two at once for one organization would most often be of one date, where the later load takes the place of the other.
    """
    org_id = connections.organization(prepared.environment)
    lock = LOCAL / f"run-{hashlib.sha256(org_id.encode()).hexdigest()[:16]}.lock"
    with alone(
        lock, lambda: say(f"Waiting for another run of organization {org_id} to end; Ctrl-C gives up")
    ):
        return _run(prepared, conf)


def _run(prepared: System, conf: dict[str, Any]) -> Outcome:
    log = LOGS / f"run-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    say(f"Running {DAG_ID} with {json.dumps(conf) if conf else 'default params'}; its log is {shown(log)}")
    started_at = time.monotonic()
    outcome = Outcome()
    for event in _events(prepared, conf, log):
        _note(event, outcome, prepared)
    outcome.seconds = time.monotonic() - started_at
    if outcome.state != "success":
        reason = (
            full_disk(LOCAL)
            or outcome.reason
            or _failure_of_load(prepared, outcome.run_id)
            or f"see the end of {shown(log)}"
        )
        raise Problem(f"The run failed: {without_secrets(reason, prepared.secrets)}")
    outcome.summary = _summary(prepared, outcome.run_id)
    return outcome


def _summary(prepared: System, run_id: str) -> str:
    database = Database.connect(connections.warehouse_url(prepared.environment))
    with database.transaction() as connection:
        told = summary.of_run(connection, run_id)
    return without_secrets(told or "Another run has published this date since.", prepared.secrets)


def without_secrets(text: str, secrets: list[str]) -> str:
    """One line that fits a screen, and no secret in it."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = plain(text, LONGEST_MESSAGE)
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]} ... (all of it is in the log)"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _json_object(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Problem(f"CONF is not JSON: {error}", MISUSE) from None
    if not isinstance(value, dict):
        raise Problem("""CONF must be a JSON object, like {"publishers": ["Oracle"]}""", MISUSE)
    return value


def _events(prepared: System, conf: dict[str, Any], log: Path) -> Iterator[dict[str, Any]]:
    """What the process with the DAG run tells, until it ends; it ends with us, too."""
    reading, writing = os.pipe()
    request = {"dag_id": DAG_ID, "conf": conf, "events": writing}
    command = [sys.executable, "-m", "local_runtime.dag_run"]
    child = processes.start(command, log, prepared.environment, on_leash=True, descriptors=[writing])
    os.close(writing)
    try:
        assert child.stdin is not None  # noqa: S101 - a leash is a pipe
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()
        with os.fdopen(reading, encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    finally:
        processes.stop(child.pid, str(LOCAL), 5.0)
        child.kill()
        child.wait()


def _note(event: dict[str, Any], outcome: Outcome, prepared: System) -> None:
    """Show an event, and keep what the end of the run needs."""
    if event["event"] == "waiting":
        _note_wait(without_secrets(event["message"], prepared.secrets), outcome)
        return
    if event["event"] == "refused":
        raise Problem(
            f"The run was not started: {without_secrets(event['message'], prepared.secrets)}", MISUSE
        )
    outcome.run_id = event["run_id"]
    if event["event"] == "finished":
        outcome.state = event["state"]
        return
    if event["state"] == "running" and event["map_index"] >= 0:
        return
    error = without_secrets(event["error"] or "", prepared.secrets)
    if event["state"] == "failed" and event["task_id"] == LAST_TASK and outcome.reason:
        error = ""  # it repeats the reasons
    elif event["state"] == "failed" and not outcome.reason:
        outcome.reason = f"{event['task_id']}: {error}"  # shown at the end
        error = ""
    _say_task(event, _reason_to_show(event, error, outcome, prepared), _progress(event, outcome, prepared))


def _say_task(event: dict[str, Any], reason: str, progress: str) -> None:
    state = event["state"]
    if state == "waits":
        at = datetime.fromtimestamp(event["next_try_at"])  # noqa: DTZ006
        state = f"failed, {event['next_try']} at {at:%H:%M:%S}"
    name = plain(f"{event['task_id']:<20}{progress} {event['label'] or ''}".rstrip())
    say(f"  {datetime.now():%H:%M:%S}  {state:<8} {name}{': ' if reason else ''}{reason}")  # noqa: DTZ005


def _reason_to_show(event: dict[str, Any], error: str, outcome: Outcome, prepared: System) -> str:
    """Why a task failed or was skipped; what was shown before is not repeated."""
    if event["state"] == "skipped":
        found = _value(prepared, _SKIPPED, outcome.run_id, event["license_ids"])
        return without_secrets(
            f"its earlier rows stay: {found}" if found else "a task before it was skipped",
            prepared.secrets,
        )
    if error and error in outcome.errors:
        return "for the same reason"
    outcome.errors += [error] if error else []
    return error


def _progress(event: dict[str, Any], outcome: Outcome, prepared: System) -> str:
    """How many licenses are done, for a task that reads some."""
    if not event["license_ids"] or event["state"] == "waits":
        return ""
    outcome.total = outcome.total or int(_value(prepared, _SELECTED, outcome.run_id) or 0)
    outcome.done += len(event["license_ids"])
    return f" {outcome.done:,} of {outcome.total:,} licenses"


def _note_wait(message: str, outcome: Outcome) -> None:
    """Show until when a request waits; its reason once."""
    when, _, reason = message.partition(" UTC: ")
    shown_reason = "for the same reason" if reason in outcome.errors else reason
    say(f"  {datetime.now():%H:%M:%S}  waits    {when} UTC: {shown_reason}")  # noqa: DTZ005
    outcome.errors.append(reason)


def full_disk(folder: Path) -> str | None:
    """What to say where the embedded server has no room for its next files; it ends without a word then."""
    free = shutil.disk_usage(folder).free
    if free >= LEAST_FREE:
        return None
    return f"only {free // 2**20} MB are free for {shown(folder)}. Free some space, then run it again"


def _failure_of_load(prepared: System, run_id: str) -> str | None:
    """The reason that the run left in its load, if it came as far as having one."""
    return _value(prepared, _FAILURE, run_id)


def _value(prepared: System, statement: str, *parameters: object) -> str | None:
    """One value of the warehouse; None where there is none, or the warehouse does not answer."""
    try:
        connection = psycopg2.connect(**connections.warehouse_parameters(prepared.environment))
    except psycopg2.Error:
        return None
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            row = cursor.fetchone()
            return None if row is None or row[0] is None else str(row[0])
    except psycopg2.Error:
        return None
    finally:
        connection.close()
