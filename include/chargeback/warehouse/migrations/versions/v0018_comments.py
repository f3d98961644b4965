"""Comments of bi say when a figure is empty, in which currency it is, and whose latest night is meant."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Comments only: neither readers nor runs wait."""
    run_sql_beside(op.get_bind(), __file__, "v0018_comments.sql")
