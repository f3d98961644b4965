"""Tolerances say how they count: a license is rounded once, however many rows it has."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Say it in the comment."""
    run_sql_beside(op.get_bind(), __file__, "v0017_tolerances.sql")
