"""As many mapped tasks that do nothing as BENCH_MAPPED_TASKS says: what Airflow itself takes for one.

They share the pool of the nightly DAG's mapped tasks, so that as many of them run at once.
"""

from __future__ import annotations

import os

from airflow.sdk import dag, task


@task
def list_numbers() -> list[int]:
    return list(range(int(os.environ["BENCH_MAPPED_TASKS"])))


@task(pool="flexera_api")
def do_nothing(number: int) -> None:
    pass


@dag(schedule=None)
def empty_tasks() -> None:
    do_nothing.expand(number=list_numbers())


empty_tasks()
