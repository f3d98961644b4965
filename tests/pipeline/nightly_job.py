"""The nightly DAG, run in this process by Airflow itself, and what it left in the warehouse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from flexera_simulator.testing import RunningSimulator

DAGS = Path(__file__).resolve().parents[2] / "dags"
PUBLISHED = (
    "chargeback",
    "vm_consumption",
    "host_consumption",
    "cluster_consumption",
    "chargeback_by_cost_center",
    "chargeback_by_corporate_unit",
    "chargeback_by_location",
)


@dataclass(frozen=True)
class NightlyRun:
    """How a run of the DAG ended."""

    run_id: str
    state: str
    tasks: list[Any]

    @property
    def failed_tasks(self) -> set[str]:
        """The tasks that failed for reasons of their own; `report` fails when any has."""
        return {task.task_id for task in self.tasks if task.state == "failed"} - {"report"}


class Nightly:
    """Runs the DAG and looks at what it left in the warehouse."""

    def __init__(self, simulator: RunningSimulator, warehouse_url: str) -> None:
        self.simulator = simulator
        self.warehouse_url = warehouse_url
        self.today = datetime.now(UTC).date()
        self._engine = sqlalchemy.create_engine(warehouse_url, poolclass=NullPool)

    def run(self, **params: object) -> NightlyRun:
        """One manual run of the nightly DAG with these params, which may build a part of a date."""
        return self.run_dag("license_chargeback", **{"allow_partial": True, **params})

    def run_dag(self, dag_id: str, *, of_folder: Path = DAGS, **params: object) -> NightlyRun:
        """One manual run of a DAG of a folder or file parsed anew: a run leaves its params in the object."""
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(of_folder)
        assert bag.import_errors == {}
        dag = bag.dags[dag_id]
        run = dag.test(logical_date=datetime.now(UTC), run_conf=params)
        return NightlyRun(run.run_id, str(run.state), run.get_task_instances())

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(sqlalchemy.text(statement)).mappings()]

    def value(self, statement: str) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(sqlalchemy.text(statement)).scalar_one()

    def execute(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(sqlalchemy.text(statement))

    def published(self) -> dict[str, list[str]]:
        """All that BI sees, row by row, in an order of its own."""
        return {
            view: [
                row["line"]
                for row in self.rows(f"select visible::text as line from bi.{view} as visible order by 1")
            ]
            for view in PUBLISHED
        }

    def last_failure(self) -> str:
        """What the ledger says of the newest load."""
        return str(self.value("select failure from ops.loads order by load_id desc limit 1"))


def connections(simulator: RunningSimulator, warehouse_url: str) -> dict[str, str]:
    """The environment that names the two connections of the product."""
    warehouse = make_url(warehouse_url).set(drivername="postgres").render_as_string(hide_password=False)
    return {
        "AIRFLOW_CONN_FLEXERA": json.dumps(simulator.connection()),
        "AIRFLOW_CONN_WAREHOUSE": warehouse,
    }
