"""When people were told that the nights of an organization have stopped coming."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table."""
    run_sql_beside(op.get_bind(), __file__, "v0012_staleness.sql")
