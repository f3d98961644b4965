"""The end of tasks and runs: report a failure, close a run. All of it runs in workers.

The DAG processor also calls the failure callback, for a task whose process died; the callback does nothing there.
The task `report` covers such tasks, and the hourly watch covers runs that Airflow stopped before `report`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowRuntimeError

from chargeback import failures, hooks, metrics, notifiers, organizations
from chargeback.context import reason as why
from chargeback.errors import RunFailed
from chargeback.plain_text import plain, plain_logger
from chargeback.selection import MOST_LABEL
from chargeback.steps import loads

if TYPE_CHECKING:
    from collections.abc import Iterator

log = plain_logger(__name__)

FAILURE_KEY = "failure"
DIED = (
    "Its process ended and left no message: it was killed, ran out of memory, lost its machine, or a person marked "
    "the task failed."
)
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A task of the run that failed for good, and its own reason; None where its process died."""

    task_id: str
    label: str | None
    reason: str | None


def on_failure(context: Any) -> None:
    """Say why a task failed for good: to `report`, in the ledger, to people, and in the last line of its log."""
    error = context.get("exception")
    if error is None:
        return
    reason = why(error)
    with _logged("The reason is not kept for the task report"):
        context["ti"].xcom_push(key=FAILURE_KEY, value=reason)
    if not isinstance(error, RunFailed):  # which repeats what the tasks before have said
        with _logged("The ledger does not have the reason"):
            _record(context["ti"], reason)
        notifiers.on_failure(context)
    metrics.after_failure(context)
    log.info("::endgroup::")  # Airflow folds what follows the end of a task
    log.error(reason)


def report() -> None:
    """End the run: close its load and raise RunFailed with the names of what failed; nothing where all went well."""
    context: Any = get_current_context()
    task = context["ti"]
    states = task.get_task_states(dag_id=task.dag_id, run_ids=[task.run_id]).get(task.run_id, {})
    failed = _failed_tasks(context, states)
    if not failed and "upstream_failed" not in states.values():
        log.info("Every task of run %s has ended well.", task.run_id)
        return
    summary = _summary(failed, states)
    context["outcome"] = plain(summary, MOST_LABEL)
    for each in failed:
        log.error(f"{_name(each)}: {each.reason or DIED}")  # noqa: G004 - of the arguments a log keeps a few words
        if each.reason is None:
            notifiers.on_death(context, each.task_id, each.label, DIED)
    reasons = [each.reason or DIED for each in failed]
    first = f" {reasons[0]}" if reasons else ""
    with _logged("The ledger still shows the load of the run as running"):
        close_run(task.dag_id, task.run_id, f"{summary}.{first}")
    raise RunFailed(
        f"{summary}.{first} When the cause is gone, clear the failed tasks; the run goes on from there."
    )


def settle_ended_runs(flexera_conn_id: str) -> None:
    """Close the loads of runs that Airflow ended before their last task: timed out, or marked failed by a person."""
    context: Any = get_current_context()
    dag_id = organizations.dag_id(flexera_conn_id)
    org_id = hooks.flexera_settings(flexera_conn_id).org_id
    for run_id in loads.running_runs(hooks.database(), org_id):
        if _has_failed(context["ti"], dag_id, run_id):
            notifiers.on_stopped_run(context, dag_id, run_id)
            close_run(dag_id, run_id, "Airflow ended the run before its last task")


def close_run(dag_id: str, run_id: str, reason: str) -> None:
    """Mark the loads that a failed run of an organization left open; does nothing for another DAG."""
    conn_id = organizations.connection(dag_id)
    if conn_id is not None:
        org_id = hooks.flexera_settings(conn_id).org_id
        loads.close_failed_run(hooks.database(), org_id, run_id, reason)


def _record(task: Any, reason: str) -> None:
    load_id = task.xcom_pull(task_ids="open_load")
    if load_id is not None:
        label = notifiers.bearer(task)
        where = f"{task.task_id} of {label}" if label else task.task_id
        loads.record_failure(hooks.database(), load_id, f"{where}: {reason}")


def _failed_tasks(context: Any, states: dict[str, str]) -> list[FailedTask]:
    """The failed tasks of the run, in the order of the DAG; Airflow names a mapped one `task_index`."""
    task, found = context["ti"], []
    ids = [each.task_id for each in context["dag"].topological_sort() if each.task_id != task.task_id]
    indexes = {(task_id, index) for task_id in ids for index in _failed_indexes(task_id, states)}
    labels = _labels(task) if any(index >= 0 for _, index in indexes) else []
    for task_id, index in sorted(indexes, key=lambda each: (ids.index(each[0]), each[1])):
        mapped = {"map_indexes": index} if index >= 0 else {}
        reason = task.xcom_pull(task_ids=task_id, key=FAILURE_KEY, **mapped)
        found.append(FailedTask(task_id, labels[index] if 0 <= index < len(labels) else None, reason))
    return found


def _failed_indexes(task_id: str, states: dict[str, str]) -> Iterator[int]:
    for name, state in states.items():
        index = name.removeprefix(f"{task_id}_")
        if state == "failed" and name == task_id:
            yield -1
        elif state == "failed" and index != name and index.isdigit():
            yield int(index)


def _labels(task: Any) -> list[str]:
    """The names of the licenses that the run's mapped tasks are of, by map index."""
    batches = task.xcom_pull(task_ids="list_licenses")
    return [batch["label"] for batch in batches] if isinstance(batches, list) else []


def _summary(failed: list[FailedTask], states: dict[str, str]) -> str:
    """What failed, in a few words: the licenses by their names, other tasks by theirs."""
    licenses = [each for each in failed if each.label]
    others = [each.task_id for each in failed if not each.label]
    parts = []
    if licenses:
        count = sum(name.startswith(f"{licenses[0].task_id}_") for name in states)
        parts.append(
            f"{len(licenses)} of {count} licenses failed: {_some([f'{each.label}' for each in licenses])}"
        )
    if others:
        parts.append(f"{_some(others)} failed")
    return "; ".join(parts) or "Tasks did not run"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _name(failed: FailedTask) -> str:
    return f"{failed.task_id} of {failed.label}" if failed.label else failed.task_id


def _has_failed(task: Any, dag_id: str, run_id: str) -> bool:
    """True for a failed run; a run that this Airflow does not know is another's, such as of `make run`."""
    try:
        return bool(task.get_dagrun_state(dag_id, run_id) == "failed")
    except AirflowRuntimeError:
        return False


@contextmanager
def _logged(problem: str) -> Iterator[None]:
    """Log an error of the reporting itself, so that it cannot hide the failure that is reported."""
    try:
        yield
    except Exception as error:
        log.error("%s: %s", problem, failures.as_ours(error))  # noqa: TRY400 - a traceback would hide the failure
