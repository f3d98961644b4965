"""What Airflow knows of the run in hand: its params, its date, and how it failed."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import RetryDecision, RetryPolicy, conf, get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError, AirflowSkipException

from chargeback import failures, hooks, organizations
from chargeback.errors import ChargebackError, SettingsInvalid, TemporaryError
from chargeback.plain_text import LONGEST_MESSAGE, plain, plain_logger
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.steps.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chargeback.warehouse.database import Database

P = TypeVar("P", bound=Policy)

log = plain_logger(__name__)

# A run that was asked for before midnight and starts so long after it at most still reads its own day.
LATE_START = timedelta(hours=6)


class TimeHeals(RetryPolicy):
    """Retry only errors that time may heal, from any library; errors of Airflow follow Airflow's own rules."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002 - the form that Airflow calls
        max_tries: int,  # noqa: ARG002
        context: Any = None,  # noqa: ARG002
    ) -> RetryDecision:
        if not isinstance(exception, Exception) or is_airflows(exception):
            return RetryDecision.default()
        if isinstance(failures.as_ours(exception), TemporaryError):
            return RetryDecision.default()
        return RetryDecision.fail("a person must act")


RETRIES = TimeHeals()


def is_airflows(error: Exception) -> bool:
    """True for errors of Airflow itself: skips and failures it asks for, and faults of its services."""
    return isinstance(error, (AirflowException, AirflowRuntimeError))


def reason(error: BaseException) -> str:
    """Why a task failed, in one line and in words of ours."""
    if isinstance(error, Exception) and not is_airflows(error):
        error = failures.as_ours(error)
    return plain(error, LONGEST_MESSAGE) or type(error).__name__


def load_request(flexera_conn_id: str) -> LoadRequest:
    """What this run was asked to build: the form's params over the date that the run is of.

    That is its logical date, or the day it was asked for where it has none, in the time zone of the DAG, whenever its
    tasks start or are cleared.
    """
    context: Any = get_current_context()
    zone: tzinfo = context["dag"].timezone or UTC
    dag_run = context["dag_run"]
    asked_at, now = dag_run.run_after, datetime.now(UTC)
    return LoadRequest.from_params(
        _params(context),
        org_id=organization(flexera_conn_id),
        today=now.astimezone(zone).date(),
        default_date=(dag_run.logical_date or asked_at).astimezone(zone).date(),
        asked_on=asked_at.astimezone(zone).date() if now - asked_at < LATE_START else None,
        dag_run_id=dag_run.run_id,
    )


def organization(flexera_conn_id: str) -> str:
    """The organization that a connection leads to; SettingsInvalid where another connection has the same number.

    Organizations of two zones may have one number, but the warehouse knows them by their numbers.
    """
    settings = hooks.flexera_settings(flexera_conn_id)
    for other in organizations.connections():
        if other != flexera_conn_id and _org_id(other) == settings.org_id:
            raise SettingsInvalid(
                f"Connections '{flexera_conn_id}' and '{other}' have the same organization number {settings.org_id}, "
                "and the warehouse tells organizations apart by their numbers: one would replace the other's "
                "snapshots. Nothing was read. Remove one of them from the variable chargeback_organizations; an "
                "organization of another zone with the same number needs an installation with its own warehouse."
            )
    return settings.org_id


def _org_id(flexera_conn_id: str) -> str | None:
    """The organization of a connection; None where the connection is wrong, which its own run says."""
    try:
        return hooks.flexera_settings(flexera_conn_id).org_id
    except SettingsInvalid:
        return None


def first_run_due(dag_id: str) -> datetime | None:
    """When the first run of a DAG is due; None where it has had a run, is switched off or unknown."""
    task: Any = get_current_context()["ti"]
    try:
        if task.get_dr_count(dag_id=dag_id):
            return None
        dag = task.get_dag(dag_id)
    except AirflowRuntimeError:
        return None
    return None if dag.is_paused else dag.next_dagrun


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
    except Exception as error:
        if is_airflows(error):
            raise
        failure = failures.as_ours(error)
        task: Any = get_current_context()["ti"]
        is_tried_again = isinstance(failure, TemporaryError) and task.try_number <= task.max_tries
        if is_tried_again or not loads.keeps_previous(database, load_id):
            raise
        tell(failure)
        raise AirflowSkipException(f"The rows published before are carried forward: {failure}") from error
