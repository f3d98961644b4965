"""The tasks of the nightly DAG, in their order; tests/dags holds the DAG against them."""

from __future__ import annotations

TASKS = (
    "open_load",
    "list_licenses",
    "extract_consumption",
    "check_staging",
    "flatten",
    "build_levels",
    "derive",
    "build_star",
    "check_star",
    "publish",
)
