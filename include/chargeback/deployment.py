"""What the Airflow at hand has of what our DAGs need: its database, files that load, pools, variables."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.jobs.job import most_recent_job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dag import DagModel
from airflow.models.pool import Pool
from airflow.utils.db import check_migrations
from airflow.utils.session import create_session
from sqlalchemy.exc import SQLAlchemyError

from chargeback import notifiers, organizations
from chargeback.doctor.findings import Finding, listed, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.sdk import DAG

# Beside the nightly DAG of each organization.
DAG_IDS = frozenset({"freshness_watch", "warehouse_maintenance"})

_MIGRATE = "Run airflow db migrate, or correct AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def see_connections_of_airflow() -> None:
    """Let this process read connections and variables that are kept in Airflow's database, as the scheduler may."""
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def home() -> Path:
    """Where this Airflow keeps its files."""
    return Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()


def examine() -> list[Finding]:
    """Every finding about this Airflow; where its database does not answer, only those that do without.

    Where it answers, connections and variables are from then on also looked for there.
    """
    findings = [database()]
    has_database = findings[0].level == "ok"
    if has_database:
        see_connections_of_airflow()  # first: the variable that lists the organizations makes DAGs
    dags, files = dag_files(conf.get("core", "dags_folder"))
    findings.append(files)
    if has_database:
        findings += [pools(dags), switched_on(dags), scheduler()]
    return [*findings, notifier_setting()]


def database() -> Finding:
    """Whether Airflow's own database answers and has the schema of this Airflow."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with (
            create_session() as session
        ):  # first: check_migrations tells a server that is away in a traceback
            session.connection()
        check_migrations(0)  # type: ignore[no-untyped-call]
    except TimeoutError:
        return problem("Airflow database", "it has the schema of another version of Airflow", _MIGRATE)
    except SQLAlchemyError as error:
        return problem("Airflow database", f"it cannot be used: {getattr(error, 'orig', error)}", _MIGRATE)
    return ok("Airflow database", "answers, with the schema of this Airflow")


def dag_files(folder: str) -> tuple[list[DAG], Finding]:
    """The DAGs in a folder, and whether ours are among them and every file loads."""
    bag = DagBag(folder)
    broken = [
        f"{Path(path).name} ({error.strip().splitlines()[-1]})" for path, error in bag.import_errors.items()
    ]
    dags: list[Any] = list(bag.dags.values())
    if broken:
        return dags, problem(
            "DAG files", f"{folder}: {listed(broken)}", "Correct the file, or install what it misses"
        )
    if missing := (DAG_IDS | {organizations.dag_id(organizations.FIRST)}) - set(bag.dags):
        return dags, problem(
            "DAG files",
            f"{folder} holds no {listed(sorted(missing))}",
            "Set AIRFLOW__CORE__DAGS_FOLDER to the folder dags of this project",
        )
    return dags, ok("DAG files", f"{listed(sorted(bag.dags))} load")


def pools(dags: Collection[DAG]) -> Finding:
    """Whether Airflow has the pools that the DAGs' tasks run in."""
    named = sorted({task.pool for dag in dags for task in dag.tasks})
    with create_session() as session:
        slots = {name: pool.slots if (pool := Pool.get_pool(name, session=session)) else 0 for name in named}
    if missing := [name for name, count in slots.items() if count == 0]:
        return problem(
            "pools",
            f"no slots in {listed(missing)}, so that tasks would wait for ever",
            f"Run airflow pools set {missing[0]} 4 'Requests to Flexera One'",
        )
    return ok("pools", listed(f"{name} with {count} slots" for name, count in slots.items()))


def switched_on(dags: Collection[DAG]) -> Finding:
    """Whether Airflow will run our DAGs by itself."""
    wanted = {dag.dag_id for dag in dags if dag.dag_id in DAG_IDS or organizations.connection(dag.dag_id)}
    with create_session() as session:
        paused = sorted(
            dag_id for dag_id in wanted if (model := session.get(DagModel, dag_id)) and model.is_paused
        )
    if paused:
        return warning("switched on", f"{listed(paused)} is paused", "Switch it on in the list of DAGs")
    return ok("switched on", "no DAG of ours is paused")


def scheduler() -> Finding:
    """Whether a scheduler gives signs of life; where none ever ran, runs are made by hand."""
    with create_session() as session:
        newest = most_recent_job(SchedulerJobRunner.job_type, session=session)
    if newest is None:
        return ok("scheduler", "none has run with this database")
    if not newest.is_alive():
        return problem(
            "scheduler",
            f"the last one gave no sign of life since {newest.latest_heartbeat:%Y-%m-%d %H:%M} UTC",
            "Start it; until then no night begins, and no watch over the nights either",
        )
    return ok("scheduler", "is alive")


def notifier_setting() -> Finding:
    """Whether the variable that says who is told is one that can be used."""
    mistakes = notifiers.mistakes()
    if mistakes:
        return problem(
            "notifiers",
            f"variable chargeback_notifiers: {'; '.join(mistakes)}",
            notifiers.CORRECTION,
        )
    return ok("notifiers", "variable chargeback_notifiers is right, or not set")
