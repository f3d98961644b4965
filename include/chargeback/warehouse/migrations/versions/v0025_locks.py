"""Locks that readers cannot take or hold up; no advisory locks and large objects for them."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Lock rows of ops.locks in place of advisory locks, and take those and large objects from readers."""
    run_sql_beside(op.get_bind(), __file__, "v0025_locks.sql")
