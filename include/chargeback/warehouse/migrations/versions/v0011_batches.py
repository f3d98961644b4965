"""The recharge rules work on some licenses at a time."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Index the quantities by term."""
    run_sql_beside(op.get_bind(), __file__, "v0011_batches.sql")
