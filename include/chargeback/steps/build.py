"""Run one layer's SQL files in their written order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.plain_text import plain_logger
from chargeback.warehouse import scripts

if TYPE_CHECKING:
    from chargeback.steps.loads import Load
    from chargeback.warehouse.database import Database

log = plain_logger(__name__)

LAYERS: dict[str, tuple[str, ...]] = {
    "intermediate": (
        "int_shared_names",
        "int_unit_paths",
        "int_consumer_lines",
        "int_contradictions",
        "int_hosts",
        "int_clusters",
        "int_consumers",
        "int_virtual_machines",
        "int_capacity_nodes",
        "int_price_sources",
    ),
    "mart": (
        "dim_dates",
        "dim_publishers",
        "dim_products",
        "dim_licenses",
        "dim_consumers",
        "dim_hosts",
        "dim_clusters",
        "dim_organization_units",
        "fct_method_fits",
        "fct_product_uses",
        "fct_chargeback",
        "fct_vm_consumption",
        "fct_host_consumption",
        "fct_cluster_consumption",
        "fct_unit_totals",
        "fct_license_positions",
        "fct_members",
    ),
}
# The tables of facts, as schema.table.
FACTS = [f"mart.{table}" for table in LAYERS["mart"] if table.startswith("fct_")]


def build(database: Database, load: Load, layer: str) -> dict[str, int]:
    """Replace the load's rows in every table of `layer`, all or none. Returns rows written by table."""
    written = {}
    with database.transaction() as connection:
        for table in LAYERS[layer]:
            written[table] = scripts.transform(connection, layer, table, load.parameters)
            log.info("%s.%s: %s rows", layer, table, written[table])
    return written
