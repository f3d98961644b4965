"""Registers what Airflow must discover: when nights are due, and what closes the ledger of a run that failed."""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from chargeback import hooks, organizations
from chargeback.steps import loads
from chargeback.timetable import NightlyTimetable

log = logging.getLogger(__name__)


class LoadListener:
    """Closes the load of a failed run whose tasks could not: one killed with its machine says nothing itself."""

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        conn_id = organizations.connection(dag_run.dag_id)
        if conn_id is None:
            return
        try:
            org_id = hooks.flexera_settings(conn_id).org_id
            loads.close_failed_run(hooks.database(), org_id, dag_run.run_id, msg or "the run failed")
        except Exception:
            log.exception("The ledger still shows the load of run %s as running.", dag_run.run_id)


class ChargebackPlugin(AirflowPlugin):
    name = "chargeback"
    timetables = [NightlyTimetable]  # noqa: RUF012 - the plugin manager's own form
    listeners = [LoadListener()]  # noqa: RUF012 - the same
