"""The recharge rules: what they read, what they work out, and the tables of public figures they look up."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables and give the loads their partitions."""
    run_sql_beside(op.get_bind(), __file__, "v0003_recharge.sql")
