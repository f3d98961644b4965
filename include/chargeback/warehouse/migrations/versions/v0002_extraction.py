"""What the extraction needs: the request window as the server counts it, and how far a tenant may shrink."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; a warehouse of the first release keeps its rows."""
    run_sql_beside(op.get_bind(), __file__, "v0002_extraction.sql")
