"""The method that fits each license, its figures, why they differ, and the sentence that says so."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, tables and views."""
    run_sql_beside(op.get_bind(), __file__, "v0004_derivation.sql")
