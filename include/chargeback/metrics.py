"""Our own figures through Airflow's metrics: StatsD or OpenTelemetry, wherever its settings send them.

Counters and timers are of one task, gauges of the organization's ledger or of the warehouse. What goes wrong here is
told in the log and changes no run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import conf
from airflow.sdk.observability import stats

from chargeback import hooks, organizations
from chargeback.plain_text import plain_logger
from chargeback.steps import figures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from chargeback.settings import FlexeraSettings
    from chargeback.steps.freshness import Newest

log = plain_logger(__name__)

PREFIX = "chargeback"
# What extract_consumption returns -> the counter it adds to.
COUNTERS = {
    "licenses": "licenses_read",
    "pages": "pages_loaded",
    "rows": "rows_loaded",
    "requests": "requests_sent",
}
# What drop_expired returns -> the counter it adds to.
DROPPED = {
    "loads": "loads_dropped",
    "partitions": "partitions_dropped",
    "fact_rows": "facts_dropped",
    "bytes": "bytes_dropped",
    "skipped": "loads_skipped",
}
WAITING = "turn_waiting"
WAREHOUSE_SIZE = "warehouse_bytes"
# After these tasks the ledger has something new to tell.
_TELLING = ("open_load", "check_staging", "check_star", "publish")
_SWITCHES = ("statsd_on", "statsd_datadog_enabled", "otel_on")


def is_on() -> bool:
    """Whether Airflow is set to send metrics anywhere."""
    return any(conf.getboolean("metrics", switch, fallback=False) for switch in _SWITCHES)


def after_task(context: Any, result: Any = None) -> None:
    """Send what a task that ended well has to tell; the DAG gives it the task's result."""
    task_id = context["ti"].task_id
    _quietly(lambda: _send_result(context, task_id, result))


def after_failure(context: Any) -> None:
    """Send what the ledger tells when a task has failed for good: failing checks, and of which day the snapshot is."""
    _quietly(lambda: _send_figures(context, context["ti"].xcom_pull(task_ids="open_load")))


def waited(seconds: float) -> None:
    """Send how long the requests of a task waited for their turns."""
    _quietly(lambda: stats.timing(f"{PREFIX}.{WAITING}", seconds * 1000))


def snapshot_age(newest: Newest) -> None:
    """Send how long ago the day of the newest snapshot of an organization began; nothing before the first."""
    if newest.age_hours is not None:
        values = {figures.AGE: newest.age_hours}
        _quietly(lambda: _gauge(newest.org_id, values))


def _send_result(context: Any, task_id: str, result: Any) -> None:
    if task_id == "extract_consumption" and isinstance(result, dict):
        _count(COUNTERS, result, {"org_id": _settings(context).org_id})
    elif task_id == "drop_expired":
        _send_maintenance(result, is_dry_run=context["params"]["dry_run"])
    elif task_id in _TELLING:
        load_id = result if task_id == "open_load" else context["ti"].xcom_pull(task_ids="open_load")
        _send_figures(context, load_id)


def _send_maintenance(result: Mapping[str, int], *, is_dry_run: bool) -> None:
    """What was dropped, unless it only would have been, and what is left. No organization's own."""
    if not is_dry_run:
        _count(DROPPED, result, {})
    stats.gauge(f"{PREFIX}.{WAREHOUSE_SIZE}", float(figures.warehouse_bytes(hooks.database())))


def _count(counters: Mapping[str, str], result: Mapping[str, int], tags: dict[str, str]) -> None:
    for name, counter in counters.items():
        stats.incr(f"{PREFIX}.{counter}", int(result[name]), tags=tags)


def _settings(context: Any) -> FlexeraSettings:
    """The settings of the organization that the run is of."""
    return hooks.flexera_settings(organizations.connection(context["ti"].dag_id) or organizations.FIRST)


def _send_figures(context: Any, load_id: int | None) -> None:
    """Gauges of the ledger; a load that is not there yet has nothing to tell."""
    if load_id is None:
        return
    _gauge(*figures.read(hooks.database(), load_id, _settings(context).budget_id))


def _gauge(org_id: str, values: Mapping[str, Decimal | float]) -> None:
    for name, value in values.items():
        stats.gauge(f"{PREFIX}.{name}", float(value), tags={"org_id": org_id})


def _quietly(send: Any) -> None:
    if not is_on():
        return
    try:
        send()
    except Exception as error:
        log.warning("Metrics were not sent: %s: %s", type(error).__name__, " ".join(str(error).split()))
