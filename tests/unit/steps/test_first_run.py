"""The watch waits for the first run of a nightly DAG, and not for one that nobody will start."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from chargeback import context
from chargeback.errors import SnapshotStale
from chargeback.steps import freshness
from chargeback.steps.freshness import FreshnessPolicy, Newest

DUE = datetime(2026, 11, 25, 4, tzinfo=UTC)
NOTHING = Newest("12345", None, None)


def test_before_the_first_run_is_due_nothing_is_stale() -> None:
    freshness.check(NOTHING, FreshnessPolicy(), "license_chargeback", DUE)


@pytest.mark.parametrize(
    ("found", "due"),
    [(NOTHING, None), (Newest("12345", date(2026, 11, 20), 100.0), DUE)],
)
def test_without_a_run_to_wait_for_what_is_missing_or_old_is_stale(
    found: Newest, due: datetime | None
) -> None:
    with pytest.raises(SnapshotStale, match=r"organization 12345: .*36 hours are allowed"):
        freshness.check(found, FreshnessPolicy(), "license_chargeback", due)


@pytest.mark.parametrize(
    ("run_count", "is_paused", "due"),
    [
        pytest.param(0, False, DUE, id="switched on, no run yet"),
        pytest.param(0, True, None, id="switched off"),
        pytest.param(1, False, None, id="it has had a run"),
    ],
)
def test_a_first_run_is_due_where_the_dag_is_on_and_has_had_none(
    monkeypatch: pytest.MonkeyPatch, run_count: int, is_paused: bool, due: datetime | None
) -> None:
    task = SimpleNamespace(
        get_dr_count=lambda dag_id: {"license_chargeback": run_count}[dag_id],
        get_dag=lambda _: SimpleNamespace(is_paused=is_paused, next_dagrun=DUE),
    )
    monkeypatch.setattr(context, "get_current_context", lambda: {"ti": task})

    assert context.first_run_due("license_chargeback") == due


def test_a_dag_that_airflow_does_not_know_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> Any:
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))

    task = SimpleNamespace(get_dr_count=lambda dag_id: len(dag_id) * 0, get_dag=unknown)
    monkeypatch.setattr(context, "get_current_context", lambda: {"ti": task})

    assert context.first_run_due("license_chargeback") is None
