"""The star made whole: dates, publishers, products, parents by key, constraints, and the star that BI imports."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the dimensions, keys and constraints, then the views of `bi`, then what is said about them all."""
    run_sql_beside(
        op.get_bind(), __file__, "v0006_star.sql", "v0006_star_views.sql", "v0006_star_comments.sql"
    )
