"""Licenses of named users count whom they are allocated to."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Note on a consumer whether the license is allocated to it, and on a method whether that is what counts."""
    run_sql_beside(op.get_bind(), __file__, "v0020_allocations.sql")
