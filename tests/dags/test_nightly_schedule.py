"""Which night is due by itself, by the timetable that the scheduler reads, at several times of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DAGS = Path(__file__).resolve().parents[2] / "dags"
MORNING, EVENING = datetime(2026, 11, 26, 1, tzinfo=UTC), datetime(2026, 11, 26, 23, 59, tzinfo=UTC)


def night(day: int, hour: int = 4) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture(scope="module")
def dag(airflow_metadata: str) -> Any:
    """The nightly DAG as the scheduler has it: out of the metadata database, not out of its file."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    written = DagSerialization.to_dict(DagBag(DAGS).dags["license_chargeback"])
    return DagSerialization.from_dict(written)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock of the timetable."""

    def set_clock(now: datetime) -> None:
        for module in ("airflow.timetables.trigger", "chargeback.timetable"):
            monkeypatch.setattr(f"{module}.utcnow", lambda: now)

    return set_clock


def next_after(dag: Any, last: datetime | None) -> datetime:
    """The night that follows the last one the scheduler created, or is the first."""
    from airflow.timetables.base import DagRunInfo

    info = dag.next_dagrun_info(last_automated_run_info=last and DagRunInfo.exact(last))
    assert info.logical_date == info.run_after
    return info.run_after


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param(MORNING, night(26), id="before 04:00 tonight is waited for"),
        pytest.param(night(26), night(26), id="at 04:00 tonight is due"),
        pytest.param(EVENING, night(26), id="until midnight tonight is due at once"),
        pytest.param(night(27, 0), night(27), id="from midnight on it is the next one"),
    ],
)
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(None, id="a DAG never seen before"),
        pytest.param(night(25), id="a DAG that ran yesterday"),
        pytest.param(night(2), id="a DAG that was switched off for weeks"),
    ],
)
def test_the_next_night_is_never_of_a_date_that_has_passed(
    dag: Any, at: Callable[[datetime], None], last: datetime | None, now: datetime, due: datetime
) -> None:
    at(now)

    assert next_after(dag, last) == due


def test_each_night_follows_the_last_one(dag: Any, at: Callable[[datetime], None]) -> None:
    at(night(26, 5))

    assert next_after(dag, night(26)) == night(27)


@pytest.mark.parametrize(
    ("now", "created"),
    [
        pytest.param(MORNING, night(26), id="noted before midnight"),
        pytest.param(night(25, 12), night(25), id="noted on the same day"),
    ],
)
def test_a_scheduler_that_was_away_makes_no_run_of_the_night_noted_before(
    dag: Any, at: Callable[[datetime], None], now: datetime, created: datetime
) -> None:
    from airflow.models.dag import DagModel

    at(night(25, 1))
    note = DagModel(dag_id=dag.dag_id)
    note.calculate_dagrun_date_fields(dag, reference_run=None)
    at(now)

    info = dag.timetable.next_run_info_from_dag_model(dag_model=note)

    assert (info.logical_date, info.run_after) == (created, created)


def test_a_backfill_goes_over_past_dates(dag: Any, at: Callable[[datetime], None]) -> None:
    at(MORNING)

    nights = dag.iter_dagrun_infos_between(night(20, 0), night(25, 23))

    assert [info.logical_date for info in nights] == [night(20) + timedelta(days=day) for day in range(6)]
