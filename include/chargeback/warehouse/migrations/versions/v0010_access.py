"""Who may see what: four roles, the grants that owners have, and the rules that hold them."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables and functions; `migrations.upgrade` applies them to the whole schema when it is complete."""
    run_sql_beside(
        op.get_bind(),
        __file__,
        "v0010_grants.sql",
        "v0010_views.sql",
        "v0010_loader.sql",
        "v0010_access.sql",
    )
