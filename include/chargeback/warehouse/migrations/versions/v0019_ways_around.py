"""Ways around the rules that were found: names that EXPLAIN ANALYZE told, and rights that new partitions came with."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Have rows decided upon before their names are compared, partitions closed, and every end of a grant noted."""
    run_sql_beside(op.get_bind(), __file__, "v0019_ways_around.sql")
