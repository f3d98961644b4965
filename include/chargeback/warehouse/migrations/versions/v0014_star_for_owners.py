"""The star for owners of cost centers: which members their published charges name, counted as nights come and go."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Count the members of the published nights, and show the dimensions by them."""
    run_sql_beside(op.get_bind(), __file__, "v0014_star_for_owners.sql")
