"""Reasons that say what to do, sentences that say who, and nothing that nobody reads."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Change the columns and rewrite the views."""
    run_sql_beside(op.get_bind(), __file__, "v0013_reasons.sql")
