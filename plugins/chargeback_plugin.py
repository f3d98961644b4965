"""Registers the timetable of the nightly DAG: all of ours that runs in Airflow's scheduler, and it only computes."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from chargeback.timetable import NightlyTimetable


class ChargebackPlugin(AirflowPlugin):
    name = "chargeback"
    timetables = [NightlyTimetable]  # noqa: RUF012 - the plugin manager's own form
