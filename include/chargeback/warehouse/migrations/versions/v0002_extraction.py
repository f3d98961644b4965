"""What extraction, retention and notices keep in the warehouse, and what a row says of its machine's capacity."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; a warehouse of the first release keeps its rows."""
    run_sql_beside(op.get_bind(), __file__, "v0002_extraction.sql")
