"""When the nightly DAG runs by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.timezone import utcnow
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable

if TYPE_CHECKING:
    from airflow.models.dag import DagModel
    from airflow.timetables.base import DagRunInfo, DataInterval


class NightlyTimetable(CronTriggerTimetable):
    """Cron, without a night whose date has passed: the API only knows the present, so its run could only fail.

    By Airflow's own rule one is due when a DAG is first seen, switched on again, or had no scheduler, and the hour of
    the night has not come yet today. `freshness_watch` tells of nights that are missing. A backfill goes over past
    dates all the same: those may have raw pages.
    """

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        due = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
        if due is None or restriction.catchup or not self._is_past(due):
            return due
        return super().next_dagrun_info(
            last_automated_data_interval=due.data_interval, restriction=restriction
        )

    def next_run_info_from_dag_model(self, *, dag_model: DagModel) -> DagRunInfo | None:
        """What the scheduler creates. A scheduler that was away finds the night noted that was next before."""
        noted = super().next_run_info_from_dag_model(dag_model=dag_model)
        if noted is None or not self._is_past(noted):
            return noted
        return self.next_dagrun_info(
            last_automated_data_interval=noted.data_interval,
            restriction=TimeRestriction(earliest=None, latest=None, catchup=False),
        )

    def _is_past(self, run: DagRunInfo) -> bool:
        today = utcnow().astimezone(self._timezone).date()
        return run.run_after.astimezone(self._timezone).date() < today
