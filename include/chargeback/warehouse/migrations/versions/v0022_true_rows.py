"""Rows are told apart by all their members, and every true row is charged."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the hash of a row's content and the mark of a possible repeat."""
    run_sql_beside(op.get_bind(), __file__, "v0022_true_rows.sql")
