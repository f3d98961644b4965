"""What each check watches over, in words, beside its result; and bi.data_quality, which shows it."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, the lists and limits that the checks look up, and the view."""
    run_sql_beside(op.get_bind(), __file__, "v0007_data_quality.sql")
