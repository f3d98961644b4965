"""The tables of a task, told to Airflow's lineage collector, from which the OpenLineage provider takes them.

Names follow OpenLineage: namespace postgres://host:port, name database.schema.table, of the warehouse that connection
`warehouse` names when the task runs. Without a transport for OpenLineage nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.openlineage import conf
from airflow.sdk.lineage import get_hook_lineage_collector

from chargeback import hooks
from chargeback.plain_text import plain_logger
from chargeback.steps import tables

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

log = plain_logger(__name__)

_PORT = 5432


def before_task(context: Any) -> None:
    """Tell what the task reads and writes; whatever goes wrong here is told in the log and changes no run."""
    if conf.is_disabled():
        return
    try:
        _tell(context["ti"].task_id)
    except Exception as error:
        log.warning("Lineage is not told: %s: %s", type(error).__name__, " ".join(str(error).split()))


def asset(url: URL, table: str) -> dict[str, Any]:
    """What Airflow's PostgreSQL provider makes an asset of: host, port, database, schema and table."""
    schema, name = table.split(".")
    return {
        "host": url.host or "localhost",
        "port": url.port or _PORT,
        "database": url.database or url.username or "postgres",
        "schema": schema,
        "table": name,
    }


def _tell(task_id: str) -> None:
    database = hooks.database()
    found = tables.of_task(database, task_id)
    if found is None:
        return
    get_hook_lineage_collector.cache_clear()  # tasks of `make run` share a process, and would share their tables
    collector = get_hook_lineage_collector()
    hook: Any = hooks.WAREHOUSE_CONN_ID
    for tell, names in (
        (collector.add_input_asset, found.inlets),
        (collector.add_output_asset, found.outlets),
    ):
        for name in names:
            tell(hook, scheme="postgres", asset_kwargs=asset(database.url, name))
