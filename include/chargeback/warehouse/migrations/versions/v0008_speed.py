"""Views and indexes for a warehouse of hundreds of nights, and what the charge of a month is."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the indexes and the view, rewrite the views."""
    run_sql_beside(op.get_bind(), __file__, "v0008_speed.sql")
