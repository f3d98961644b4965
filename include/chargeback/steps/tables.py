"""Which tables each task of our DAGs reads and writes; those of SQL files are read off the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chargeback.steps.build import FACTS, LAYERS
from chargeback.warehouse import recharge, scripts
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGES = ("staging.license_pages", "staging.consumption_pages")
_FLATTENED = (
    "intermediate.int_licenses",
    "intermediate.int_consumption_lines",
    "intermediate.int_line_products",
    "intermediate.int_line_instances",
    "intermediate.int_line_pools",
    "ops.quarantined_rows",
    "ops.unread_cells",
)
# Publishing notes in them which of their rows are shown.
_DIMENSIONS = [
    f"mart.{table}" for table in LAYERS["mart"] if table.startswith("dim_") and table != "dim_dates"
]
_LEDGER = ("ops.extractions", "ops.load_licenses", "ops.loads", "ops.snapshots")


class Tables(NamedTuple):
    """Tables as schema.table, each list in the order of the alphabet."""

    inlets: tuple[str, ...]
    outlets: tuple[str, ...]


def of_task(database: Database, task_id: str) -> Tables | None:
    """The tables of a task; None for one that we do not know. Asks the database what it has of views and partitions."""
    if task_id == "drop_expired":
        return _tables(
            _LEDGER, [*_by_load(database), *FACTS, "ops.quarantined_rows", "ops.unread_cells", "ops.loads"]
        )
    if task_id == "publish":
        shown = ["ops.loads", "ops.snapshots", "mart.unit_members", *_DIMENSIONS, *_views(database)]
        return _tables(_inside("mart", LAYERS["mart"]), shown)
    return _written_down().get(task_id)


def _written_down() -> dict[str, Tables]:
    derived = ["int_license_terms", *(table for table, _, _ in (*recharge.ONCE, *recharge.steps()))]
    return {
        "open_load": _tables([], ["ops.loads"]),
        "list_licenses": _tables([], ["staging.license_pages", "ops.load_licenses"]),
        "extract_consumption": _tables(
            ["ops.load_licenses"], ["staging.consumption_pages", "ops.extractions"]
        ),
        "check_staging": _tables(
            scripts.sources("checks/staging"), ["ops.load_licenses", "ops.check_results"]
        ),
        "flatten": _tables(_PAGES, _FLATTENED),
        "build_levels": _tables(
            scripts.sources("intermediate"), _inside("intermediate", LAYERS["intermediate"])
        ),
        "derive": _tables(
            scripts.sources("recharge"), [*_inside("intermediate", derived), "mart.recharge_methods"]
        ),
        "build_star": _tables(scripts.sources("mart"), _inside("mart", LAYERS["mart"])),
        "check_freshness": _tables(["ops.loads", "ops.snapshots"], []),
        "check_star": _tables(scripts.sources("checks/mart"), ["ops.check_results", "ops.loads"]),
    }


def _tables(inlets: Iterable[str], outlets: Iterable[str]) -> Tables:
    """What a task reads of others, and what it writes; a table of its own is no inlet."""
    written = set(outlets)
    return Tables(tuple(sorted(set(inlets) - written)), tuple(sorted(written)))


def _inside(schema: str, tables: Iterable[str]) -> list[str]:
    return [f"{schema}.{table}" for table in tables]


def _views(database: Database) -> list[str]:
    """The views of bi, which show a load from the moment it is published."""
    with database.transaction() as connection:
        statement = "select 'bi.' || viewname from pg_views where schemaname = 'bi'"
        return list(execute(connection, statement).scalars())


def _by_load(database: Database) -> list[str]:
    """The tables that have a partition for each load, which the maintenance drops."""
    with database.transaction() as connection:
        statement = """
        select pg_namespace.nspname || '.' || pg_class.relname
        from pg_partitioned_table
        inner join pg_class on pg_partitioned_table.partrelid = pg_class.oid
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where pg_partitioned_table.partstrat = 'l' and pg_namespace.nspname in ('staging', 'intermediate')
        """
        return list(execute(connection, statement).scalars())
