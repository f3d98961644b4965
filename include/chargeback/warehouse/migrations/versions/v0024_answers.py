"""A request budget knows whether its server has ever answered."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the time of the last first answer, and set it where a budget shows that there was one."""
    run_sql_beside(op.get_bind(), __file__, "v0024_answers.sql")
