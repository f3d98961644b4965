"""One run of a DAG without a scheduler, in a process of its own that tells its parent how it goes.

Standard input brings the request as one line of JSON. Each event is one line of JSON on the descriptor that
the request names. What Airflow has to say goes to standard output, which is the run's log.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.listeners import hookimpl
from airflow.sdk import TaskInstanceState, conf
from airflow.sdk.exceptions import ParamValidationError
from airflow.sdk.listener import get_listener_manager
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from chargeback.selection import LicenseFilter
from local_runtime import processes
from local_runtime.lease import alone
from local_runtime.places import LOCAL

Tell = Callable[..., None]

# A person waits: what fails before the first license is read is tried again once, and no wait grows.
FIRST_TASKS = ("open_load", "list_licenses")
FIRST_RETRY_DELAY = timedelta(seconds=20)


class RefusedError(Exception):
    """The run is not started; the message says why."""


def main() -> int:
    """Run the DAG that the request names."""
    request = json.loads(sys.stdin.buffer.readline())
    processes.end_with_parent()
    pipe = os.fdopen(request["events"], "w", encoding="utf-8", buffering=1)

    def tell(event: str, **facts: object) -> None:
        pipe.write(json.dumps({"event": event, **facts}, default=str) + "\n")

    logging.getLogger("chargeback.flexera.retry").addHandler(WaitTeller(tell))
    try:
        dag = _dag(request["dag_id"])
        params = _checked_params(dag, request["conf"])
    except RefusedError as refusal:
        tell("refused", message=str(refusal))
        return 2
    # A task of a scheduler does this when it starts; here all tasks share this process.
    stats.initialize(
        factory=stats_utils.get_stats_factory(),
        export_legacy_names=conf.getboolean("metrics", "legacy_names_on"),
    )
    _wait_evenly(dag)
    # Airflow writes the DAG into its database, and two runs that do so at once fail.
    with ExitStack() as preparing:
        preparing.enter_context(alone(LOCAL / "dags.lock"))
        listeners: Any = get_listener_manager()
        listeners.add_listener(TaskListener(tell, preparing.close))
        dag_run = dag.test(logical_date=datetime.now(UTC), run_conf=params)
    tell("finished", state=dag_run.state, run_id=dag_run.run_id)
    return 0


class WaitTeller(logging.Handler):
    """Tells why a request waits, and when it is tried again."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell("waiting", message=record.getMessage())


class TaskListener:
    """Tells what becomes of each task, and when the first one starts."""

    def __init__(self, tell: Tell, on_start: Callable[[], None]) -> None:
        self._tell = tell
        self._on_start = on_start

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:  # noqa: ARG002
        self._on_start()
        self._report("running", task_instance)

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:  # noqa: ARG002
        self._report("success", task_instance)

    @hookimpl
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:  # noqa: ARG002
        self._report("skipped", task_instance)

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:  # noqa: ARG002
        state = "failed" if task_instance.state == TaskInstanceState.FAILED else "waits"
        self._report(state, task_instance, error=str(error) or type(error).__name__)

    def _report(self, state: str, task: Any, error: str | None = None) -> None:
        self._tell(
            "task",
            state=state,
            run_id=task.run_id,
            task_id=task.task_id,
            map_index=task.map_index,
            label=task.rendered_map_index,
            license_ids=_license_ids(task),
            error=error,
            next_try_at=(datetime.now(UTC) + task.task.retry_delay).timestamp() if state == "waits" else None,
            next_try=f"try {task.try_number + 1} of {task.max_tries + 1}",
        )


def _license_ids(task: Any) -> list[str]:
    """The licenses that a mapped task reads."""
    batch = (getattr(task.task, "op_kwargs", None) or {}).get("batch")
    return batch["license_ids"] if isinstance(batch, dict) else []


def _wait_evenly(dag: Any) -> None:
    for task in dag.tasks:
        task.retry_exponential_backoff = 0
        if task.task_id in FIRST_TASKS:
            task.retries, task.retry_delay = 1, FIRST_RETRY_DELAY


def _dag(dag_id: str) -> Any:
    bag = DagBag()
    for path, error in bag.import_errors.items():
        raise RefusedError(f"{path} cannot be loaded: {error.strip().splitlines()[-1]}")
    if dag_id not in bag.dags:
        raise RefusedError(f"there is no DAG {dag_id} in {bag.dag_folder}")
    return bag.dags[dag_id]


def _checked_params(dag: Any, conf: dict[str, Any]) -> dict[str, Any]:
    """The params as the DAG takes them; Airflow would take any name, and refuse a wrong value in the first task."""
    unknown = sorted(set(conf) - set(dag.params))
    if unknown:
        raise RefusedError(f"the DAG has no param {', '.join(unknown)}; it has {', '.join(dag.params)}")
    if mistakes := LicenseFilter.mistakes(conf):
        raise RefusedError("; ".join(mistakes))
    license_filter = asdict(LicenseFilter.from_params(conf))
    params = {name: list(license_filter[name]) if name in license_filter else conf[name] for name in conf}
    for name, value in params.items():
        try:
            dag.params.get_param(name).resolve(value)
        except ParamValidationError as error:
            raise RefusedError(f"param {name}: {str(error).strip().splitlines()[0]}") from None
    return params


if __name__ == "__main__":
    raise SystemExit(main())
