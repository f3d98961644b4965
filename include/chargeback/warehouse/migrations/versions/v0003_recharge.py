"""The recharge rules: what they read, what they work out, and the public figures they look up."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse import seeds
from chargeback.warehouse.migrations import run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables, give the loads their partitions, and fill the reference tables."""
    run_sql_beside(op.get_bind(), __file__, "v0003_recharge.sql")
    seeds.load(op.get_bind())
