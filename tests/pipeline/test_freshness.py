"""The hourly watch tells when nights stop coming, through the notifiers of the nightly DAG."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from nightly_job import DAGS

from flexera_simulator.testing import running_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightly_job import Nightly, NightlyRun

ONE = {"license_ids": ["41202"], "allow_partial": True}
WATCH = "freshness_watch"


@pytest.fixture(scope="module")
def nights(nightly: Nightly) -> Iterator[Nightly]:
    """Two organizations, each with a simulator of its own and two snapshots: of today and of two days before."""
    with (
        pytest.MonkeyPatch.context() as patch,
        running_simulator(org=("67890",), seed=2, requests_per_minute=0) as emea,
    ):
        patch.setenv("AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS", '["flexera_emea"]')
        patch.setenv("AIRFLOW_CONN_FLEXERA_EMEA", json.dumps(emea.connection()))
        before = str(nightly.value("select current_date - 2"))
        for dag_id in ("license_chargeback", "license_chargeback_emea"):
            for params in ({"snapshot_date": before, "source": "api"}, {}):
                assert nightly.run_dag(dag_id, **ONE, **params).state == "success"
        nightly.execute("create table public.all_snapshots as select * from ops.snapshots")
        yield nightly


@pytest.fixture
def today(nights: Nightly) -> Nightly:
    """Both organizations have their snapshot of today, and nobody was told of anything."""
    nights.execute(
        "insert into ops.snapshots (org_id, snapshot_date, load_id, published_at) "
        "select org_id, snapshot_date, load_id, published_at from public.all_snapshots on conflict do nothing"
    )
    nights.execute("delete from ops.staleness_notices")
    return nights


def lose(nightly: Nightly, org_id: str, *, is_all: bool = False) -> None:
    """Leave an organization without its snapshot of today, or without any."""
    of_today = "" if is_all else " and snapshot_date = current_date"
    nightly.execute(f"delete from ops.snapshots where org_id = '{org_id}'{of_today}")


def states(run: NightlyRun) -> list[str]:
    """How the watch over each organization ended, in the order of the variable."""
    watches = [task for task in run.tasks if task.task_id == "check_freshness"]
    return [str(task.state) for task in sorted(watches, key=lambda task: task.map_index)]


def test_snapshots_of_today_are_fresh_and_nobody_is_told(
    today: Nightly, told: Callable[..., list[str]]
) -> None:
    told(events=["staleness", "failure"])

    run = today.run_dag(WATCH)

    assert (run.state, states(run)) == ("success", ["success", "success"])
    assert told() == []


def test_an_organization_whose_nights_stop_is_told_once_a_day_with_what_to_do(
    today: Nightly, told: Callable[..., list[str]]
) -> None:
    lose(today, "67890")
    told(events=["staleness", "failure"])

    runs = [today.run_dag(WATCH) for _ in range(2)]

    assert [states(run) for run in runs] == [["success", "failed"]] * 2
    [message] = told()
    assert message.startswith("staleness: License chargeback: no new snapshot by connection flexera_emea.")
    assert (
        f"organization 67890: the newest snapshot is of {today.value('select current_date - 2')}" in message
    )
    assert " min ago (at 00:00 UTC); 36 hours are allowed" in message
    assert "whether the DAG license_chargeback_emea is switched on" in message

    today.execute("update ops.staleness_notices set told_on = told_on - 1")
    today.run_dag(WATCH)
    assert len(told()) == 2


def test_a_new_snapshot_ends_the_alarm(today: Nightly, told: Callable[..., list[str]]) -> None:
    lose(today, "12345")
    assert states(today.run_dag(WATCH)) == ["failed", "success"]

    assert today.run(**ONE).state == "success"

    assert states(today.run_dag(WATCH)) == ["success", "success"]


def test_an_organization_of_which_nothing_was_ever_published_is_told(
    today: Nightly, told: Callable[..., list[str]]
) -> None:
    lose(today, "12345", is_all=True)
    told(events=["staleness"])

    assert states(today.run_dag(WATCH)) == ["failed", "success"]

    [message] = told()
    assert "organization 12345: no snapshot is published yet" in message


def test_the_first_night_of_an_organization_is_waited_for_as_long_as_is_allowed(today: Nightly) -> None:
    lose(today, "12345", is_all=True)
    begin = (
        "insert into ops.loads (load_id, org_id, snapshot_date, source, pages_load_id, status, started_at) "
        "overriding system value "
        "values (1000000, '12345', current_date, 'api', 1000000, 'running', now() - interval '{} hours')"
    )
    seen = []
    for hours in (35, 37):
        today.execute(begin.format(hours))
        seen.append(states(today.run_dag(WATCH)))
        today.execute("delete from ops.loads where load_id = 1000000")

    assert seen == [["success", "success"], ["failed", "success"]]


def test_more_hours_may_be_allowed(today: Nightly, told: Callable[..., list[str]]) -> None:
    lose(today, "12345")

    assert states(today.run_dag(WATCH, allowed_age_hours=72)) == ["success", "success"]
    assert states(today.run_dag(WATCH, allowed_age_hour=72)) == ["failed", "failed"]


@pytest.mark.parametrize(
    ("setting", "value", "complaint"),
    [
        pytest.param(
            "AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS",
            '["emea"]',
            "list_organizations failed. Variable chargeback_organizations",
            id="variable",
        ),
        pytest.param(
            "AIRFLOW_CONN_FLEXERA_EMEA",
            "{}",
            "check_freshness of connection flexera_emea failed. Connection",
            id="connection",
        ),
    ],
)
def test_a_setting_that_keeps_the_watch_from_looking_is_told_as_a_failure(
    today: Nightly, told: Callable[..., list[str]], monkeypatch: Any, setting: str, value: str, complaint: str
) -> None:
    told(events=["failure"])
    monkeypatch.setenv(setting, value)

    run = today.run_dag(WATCH, of_folder=DAGS / "freshness_watch.py")

    assert run.state == "failed"
    [message] = told()
    assert complaint in message
