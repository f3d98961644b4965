"""What reaches our programs from the environment of the person who calls them."""

from __future__ import annotations

from pathlib import Path

from local_runtime.airflow_home import airflow_environment, clean_environment

KEYS = {"fernet_key": "f", "jwt_secret": "j", "api_secret_key": "a"}


def test_settings_for_another_airflow_or_postgresql_stay_out() -> None:
    theirs = {
        "AIRFLOW_HOME": "/srv/airflow",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_CONN_OTHER": "http://other",
        "AIRFLOW_VAR_KEY": "value",
        "PGHOST": "production",
        "PGPASSWORD": "secret",
        "PYTHONPATH": "/srv/lib",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    assert clean_environment(theirs) == {}


def test_the_two_connections_and_everything_foreign_to_airflow_pass() -> None:
    passed = {"AIRFLOW_CONN_FLEXERA": "f", "AIRFLOW_CONN_WAREHOUSE": "w", "HTTPS_PROXY": "p", "PATH": "/bin"}

    assert clean_environment(passed) == passed


def test_where_metrics_and_lineage_go_passes() -> None:
    passed = {"AIRFLOW__METRICS__STATSD_ON": "True", "AIRFLOW__OPENLINEAGE__TRANSPORT": "{}"}

    assert clean_environment(passed) == passed


def test_airflow_stays_in_the_project_on_this_machine() -> None:
    ours = airflow_environment(Path("/x/airflow"), "postgresql://u:p@127.0.0.1:1/airflow", KEYS)
    project = Path(__file__).resolve().parents[2]

    assert ours["AIRFLOW_HOME"] == "/x/airflow"
    assert ours["AIRFLOW__CORE__DAGS_FOLDER"] == str(project / "dags")
    assert ours["AIRFLOW__CORE__PLUGINS_FOLDER"] == str(project / "plugins")
    assert ours["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert ours["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg2://u:p@127.0.0.1:1/airflow"
