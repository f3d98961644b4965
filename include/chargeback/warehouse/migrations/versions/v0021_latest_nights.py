"""Facts say whether they are of their organization's latest night, and by how much a charge differs."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Mark the latest nights of each organization, and show the marks with every fact of the star."""
    run_sql_beside(op.get_bind(), __file__, "v0021_latest_nights.sql")
