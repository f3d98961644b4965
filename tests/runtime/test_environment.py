"""What reaches our programs from the environment of the person who calls them."""

from __future__ import annotations

from pathlib import Path

from local_runtime.airflow_home import airflow_environment, clean_environment, told_of_settings

KEYS = {"fernet_key": "f", "jwt_secret": "j", "api_secret_key": "a"}


def test_settings_for_another_airflow_or_postgresql_stay_out() -> None:
    theirs = {
        "AIRFLOW_HOME": "/srv/airflow",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "PGHOST": "production",
        "PGPASSWORD": "secret",
        "PYTHONPATH": "/srv/lib",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    assert clean_environment(theirs) == {}


def test_connections_variables_and_everything_foreign_to_airflow_pass() -> None:
    passed = {
        "AIRFLOW_CONN_FLEXERA_EMEA": "f",
        "AIRFLOW_CONN_WAREHOUSE": "w",
        "AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS": '["flexera_emea"]',
        "HTTPS_PROXY": "p",
        "PATH": "/bin",
    }

    assert clean_environment(passed) == passed
    assert told_of_settings(passed) == ""


def test_settings_that_are_left_aside_are_named_in_one_line_and_the_rest_is_counted() -> None:
    theirs = {f"AIRFLOW__CORE__SETTING_{number}": "x" for number in range(8)}

    told = told_of_settings({"AIRFLOW_HOME": "/srv/airflow", "AIRFLOW_CONN_FLEXERA": "secret", **theirs})

    assert told.startswith(
        "Left aside, as this Airflow has its own: AIRFLOW_HOME, AIRFLOW__CORE__SETTING_0, AIRFLOW__CORE__SETTING_1, "
        "AIRFLOW__CORE__SETTING_2, AIRFLOW__CORE__SETTING_3 and 4 more. "
    )
    assert "AIRFLOW_VAR_…" in told
    assert "\n" not in told


def test_where_metrics_and_lineage_go_passes() -> None:
    passed = {"AIRFLOW__METRICS__STATSD_ON": "True", "AIRFLOW__OPENLINEAGE__TRANSPORT": "{}"}

    assert clean_environment(passed) == passed


def test_logs_of_tasks_are_their_owners() -> None:
    ours = airflow_environment(Path("/x/airflow"), "postgresql://u:p@127.0.0.1:1/airflow", KEYS)

    assert ours["AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS"] == "0o700"
    assert ours["AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS"] == "0o600"


def test_airflow_stays_in_the_project_on_this_machine() -> None:
    ours = airflow_environment(Path("/x/airflow"), "postgresql://u:p@127.0.0.1:1/airflow", KEYS)
    project = Path(__file__).resolve().parents[2]

    assert ours["AIRFLOW_HOME"] == "/x/airflow"
    assert ours["AIRFLOW__CORE__DAGS_FOLDER"] == str(project / "dags")
    assert ours["AIRFLOW__CORE__PLUGINS_FOLDER"] == str(project / "plugins")
    assert ours["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert ours["AIRFLOW__API__DEFAULT_WRAP"] == "True"  # a message ends at the side of the screen otherwise
    assert ours["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg2://u:p@127.0.0.1:1/airflow"
