"""Note cells that could not be read, although their rows are charged."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the table of the notes."""
    run_sql_beside(op.get_bind(), __file__, "v0023_unread_cells.sql")
