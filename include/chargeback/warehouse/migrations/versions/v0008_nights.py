"""Indexes by night, and the key that follows a consumer over time."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the indexes and the column."""
    run_sql_beside(op.get_bind(), __file__, "v0008_nights.sql")
