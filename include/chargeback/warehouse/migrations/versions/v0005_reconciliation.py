"""Configured keys, licenses whose total is taken as given, tolerances, and what a charge differs by."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns, tables and views."""
    run_sql_beside(op.get_bind(), __file__, "v0005_reconciliation.sql")
