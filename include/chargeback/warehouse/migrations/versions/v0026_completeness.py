"""Types of license that may have no rows, and what the license list says when it is read a second time."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the marks by which a snapshot that is not whole is refused."""
    run_sql_beside(op.get_bind(), __file__, "v0026_completeness.sql")
