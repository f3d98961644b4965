"""Views for a warehouse of hundreds of nights, and what the charge of a month is."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Rewrite the views, and add that of the months."""
    run_sql_beside(op.get_bind(), __file__, "v0009_speed.sql")
