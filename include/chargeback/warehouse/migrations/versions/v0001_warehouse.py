"""The warehouse: ledger, raw pages, flattened levels, star, BI views."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all schemas; the files are run in the order a row travels."""
    run_sql_beside(
        op.get_bind(),
        __file__,
        "v0001_ops.sql",
        "v0001_functions.sql",
        "v0001_staging.sql",
        "v0001_intermediate.sql",
        "v0001_mart.sql",
        "v0001_partitions.sql",
        "v0001_bi.sql",
        "v0001_access.sql",
    )
