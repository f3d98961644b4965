"""What Airflow knows of the run in hand: its params, its date, and how it failed."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, conf, get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from chargeback import hooks
from chargeback.errors import ChargebackError, CheckFailed, FinalError, TemporaryError
from chargeback.plain_text import LONGEST_MESSAGE, plain, plain_logger
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.steps.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chargeback.warehouse.database import Database

P = TypeVar("P", bound=Policy)

log = plain_logger(__name__)

# What is not tried again, in every DAG.
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(FinalError, RetryAction.FAIL, reason="a person must act"),
        RetryRule(CheckFailed, RetryAction.FAIL, reason="the data would still be wrong"),
        RetryRule(
            ["sqlalchemy.exc.ProgrammingError", "sqlalchemy.exc.DataError", "sqlalchemy.exc.IntegrityError"],
            RetryAction.FAIL,
            reason="the statement would fail again",
        ),
    ]
)


def load_request(flexera_conn_id: str) -> LoadRequest:
    """What this run was asked to build: the form's params over the run's logical date, or today without one.

    A run's date is the calendar date of its logical date in the time zone of the DAG.
    """
    context: Any = get_current_context()
    zone: tzinfo = context["dag"].timezone or UTC
    dag_run = context["dag_run"]
    return LoadRequest.from_params(
        _params(context),
        org_id=hooks.flexera_settings(flexera_conn_id).org_id,
        today=datetime.now(zone).date(),
        default_date=(dag_run.logical_date or datetime.now(UTC)).astimezone(zone).date(),
        dag_run_id=dag_run.run_id,
    )


def policy(kind: type[P]) -> P:
    """The policy in the params of this run; `kind` is the policy that its DAG has the params of."""
    context: Any = get_current_context()
    return kind.from_params(_params(context))


def _params(context: Any) -> dict[str, Any]:
    return {**context["params"], **(context["dag_run"].conf or {})}


def most_mapped_tasks() -> int:
    """How many tasks Airflow may map one task into."""
    return conf.getint("core", "max_map_length")


@contextmanager
def previous_kept_on_failure(
    database: Database, load_id: int, tell: Callable[[ChargebackError], None]
) -> Iterator[None]:
    """Turn a failure of this task into a skip where its run carries forward licenses that cannot be read.

    An error that time may heal is tried again first, as often as the task's retries allow. `tell` gets the error
    that leads to a skip, as Airflow's callbacks for skipped tasks are not given it.
    """
    try:
        yield
    except ChargebackError as error:
        task: Any = get_current_context()["ti"]
        is_tried_again = isinstance(error, TemporaryError) and task.try_number <= task.max_tries
        if is_tried_again or not loads.keeps_previous(database, load_id):
            raise
        tell(error)
        raise AirflowSkipException(f"The rows published before are carried forward: {error}") from error


def record_failure(context: Any) -> None:
    """Write the reason of a failed task beside its load, where operators and `make run` find it."""
    load_id = context["ti"].xcom_pull(task_ids="open_load")
    if load_id is not None:
        reason = plain(f"{context['ti'].task_id}: {context.get('exception')}", LONGEST_MESSAGE)
        loads.record_failure(hooks.database(), load_id, reason)
