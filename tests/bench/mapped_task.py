"""What a mapped extract task takes, over what Airflow takes for a mapped task that does nothing.

Both DAGs run one after the other in the same Airflow: scheduler, DAG processor and API server as `make up` starts
them, LocalExecutor with the project's parallelism, and the pool of four slots for both. A task's cost is the time
from the start of the first mapped task to the end of the last, over their number. That is what a night waits for:
it holds the scheduler's work between two tasks and the start of their processes, which the dates of a single task
leave out, and both of which weigh the same on either side. The tenant has one page per license and no rate limit, as
a limit would measure Flexera's patience.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench_airflow import running_airflow
from bench_world import expect, value
from measure import Measure, Ratio

if TYPE_CHECKING:
    from bench_airflow import BenchAirflow
    from bench_world import BenchWorld

TASKS = 1_000
ROWS_PER_LICENSE = 50
PAGE_SIZE = 10_000


def extract_over_empty(world: BenchWorld) -> Ratio:
    """Seconds per mapped extract task over seconds per empty mapped task."""
    tasks = world.rows(TASKS)
    rows = tasks * ROWS_PER_LICENSE
    database = world.warehouse()
    tenant = world.simulator(licenses=tasks, rows=rows, page_size=PAGE_SIZE)
    with tenant as url, running_airflow(world, database, url, tasks) as airflow:
        empty = _seconds_per_task(airflow, "empty_tasks", "do_nothing", tasks)
        ours = _seconds_per_task(airflow, "license_chargeback", "extract_consumption", tasks)
    staged = value(database, "select array[count(*), sum(row_count)] from staging.consumption_pages")
    expect([tasks, rows], staged, "pages and rows staged")
    return Ratio(ours / empty, f"{ours:.3f} s a task, empty {empty:.3f} s, of {tasks:,} tasks each")


def _seconds_per_task(airflow: BenchAirflow, dag_id: str, task_id: str, tasks: int) -> float:
    airflow.run(dag_id)
    count, seconds = airflow.succeeded(dag_id, task_id)
    expect(tasks, count, f"mapped tasks of {dag_id}")
    return seconds / tasks


MEASURES = [Measure("mapped_task", "<= 1.3", extract_over_empty)]
