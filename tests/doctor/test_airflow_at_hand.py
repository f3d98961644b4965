"""What the doctor says of the Airflow at hand: its database, the DAG files, pools, variables."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.jobs.job import Job
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.pool import Pool
from airflow.models.variable import Variable
from airflow.sdk import timezone
from airflow.utils.session import create_session
from airflow.utils.state import JobState
from sqlalchemy import delete

from chargeback import deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGS = Path(__file__).resolve().parents[2] / "dags"
BUNDLE = "doctor"
pytestmark = pytest.mark.usefixtures("airflow_metadata")


@pytest.fixture(autouse=True)
def _process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An examination lets its process read Airflow's database; that of the tests forgets it again."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")


def test_an_airflow_as_it_should_be_has_nothing_to_complain_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_VAR_CHARGEBACK_NOTIFIERS", raising=False)
    findings = deployment.examine()

    assert [str(each) for each in findings if each.level != "ok"] == []
    assert len(findings) == 6


def test_a_dag_file_that_does_not_load_is_told_with_its_error(tmp_path: Path) -> None:
    shutil.copytree(DAGS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "broken.py").write_text(
        "from airflow.sdk import DAG\nimport no_such_module\n", encoding="utf-8"
    )
    _, found = deployment.dag_files(str(tmp_path))

    assert found.level == "problem"
    assert "broken.py (ModuleNotFoundError: No module named 'no_such_module')" in found.found


def test_a_folder_without_our_dags_is_a_problem(tmp_path: Path) -> None:
    _, found = deployment.dag_files(str(tmp_path))

    assert found.level == "problem"
    assert "AIRFLOW__CORE__DAGS_FOLDER" in found.advice


@pytest.fixture
def no_pool() -> Iterator[None]:
    Pool.delete_pool("flexera_api")
    yield
    Pool.create_or_update_pool("flexera_api", 4, "Requests to Flexera One", include_deferred=False)


@pytest.mark.usefixtures("no_pool")
def test_a_missing_pool_is_a_problem() -> None:
    dags, _ = deployment.dag_files(str(DAGS))
    found = deployment.pools(dags)

    assert found.level == "problem"
    assert "airflow pools set flexera_api" in found.advice


def test_a_dag_that_is_paused_is_told(known_dags: None) -> None:
    dags, _ = deployment.dag_files(str(DAGS))
    assert deployment.switched_on(dags).level == "ok"

    with create_session() as session:
        session.get_one(DagModel, "warehouse_maintenance").is_paused = True
    found = deployment.switched_on(dags)

    assert (found.level, found.found) == ("warning", "warehouse_maintenance is paused")


def test_the_dag_of_a_further_organization_that_is_paused_is_told(
    monkeypatch: pytest.MonkeyPatch, known_organizations: None
) -> None:
    dags, _ = deployment.dag_files(str(DAGS))
    assert deployment.switched_on(dags).level == "ok"

    with create_session() as session:
        session.get_one(DagModel, "license_chargeback_emea").is_paused = True
    found = deployment.switched_on(dags)

    assert (found.level, found.found) == ("warning", "license_chargeback_emea is paused")


@pytest.fixture
def known_organizations() -> Iterator[None]:
    """The list of organizations is kept in Airflow's database, which has seen their DAGs."""
    Variable.set("chargeback_organizations", '["flexera_emea"]')
    sync_dags()
    yield
    Variable.delete("chargeback_organizations")


@pytest.mark.parametrize(
    ("state", "minutes_ago", "level", "told"),
    [
        (JobState.RUNNING, 0, "ok", "is alive"),
        (JobState.RUNNING, 10, "problem", "no sign of life since"),
        (JobState.SUCCESS, 0, "problem", "no sign of life since"),
    ],
)
def test_a_scheduler_is_told_by_its_last_sign_of_life(
    state: JobState, minutes_ago: int, level: str, told: str
) -> None:
    assert deployment.scheduler().level == "ok"
    job = Job(job_type="SchedulerJob", state=state)
    job.latest_heartbeat = timezone.utcnow() - timedelta(minutes=minutes_ago)
    with create_session() as session:
        session.add(job)
    try:
        found = deployment.scheduler()
    finally:
        with create_session() as session:
            session.execute(delete(Job))

    assert found.level == level
    assert told in found.found


@pytest.fixture
def known_dags() -> Iterator[None]:
    """Airflow has seen the DAGs, and forgets what is changed about them."""
    sync_dags()
    yield
    with create_session() as session:
        session.get_one(DagModel, "warehouse_maintenance").is_paused = False


def sync_dags() -> None:
    with create_session() as session:
        if session.get(DagBundleModel, BUNDLE) is None:
            session.add(DagBundleModel(name=BUNDLE))
    sync_bag_to_db(DagBag(DAGS), BUNDLE, None)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("[{", "JSONDecodeError"),
        ('{"class": "x"}', "not a list of notifiers"),
        ('[{"class": "no.such.Notifier"}]', "entry 1: no.such.Notifier cannot be made"),
    ],
)
def test_a_setting_of_who_is_told_that_cannot_be_used_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, setting: str, told: str
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_NOTIFIERS", setting)
    found = deployment.notifier_setting()

    assert found.level == "problem"
    assert told in found.found


def test_a_database_of_another_airflow_is_a_problem(airflow_metadata: str, on_other_revision: None) -> None:
    assert deployment.database().level == "problem"


@pytest.fixture
def on_other_revision(airflow_metadata: str) -> Iterator[None]:
    with create_session() as session:
        before = session.connection().exec_driver_sql("select version_num from alembic_version").scalar_one()
        session.connection().exec_driver_sql("update alembic_version set version_num = 'a0000000000a'")
    yield
    with create_session() as session:
        session.connection().exec_driver_sql(f"update alembic_version set version_num = '{before}'")
