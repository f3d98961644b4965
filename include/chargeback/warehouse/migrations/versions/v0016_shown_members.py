"""Which members of the dimensions are shown is noted beside them, and what stands for no host or cluster is one."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Note which members bi shows, and have its dimensions ask for nothing else."""
    run_sql_beside(op.get_bind(), __file__, "v0016_shown_members.sql")
