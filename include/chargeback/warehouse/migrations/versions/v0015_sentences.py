"""Sentences that are joined to their charges exactly, not by names."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Give bi.explanation the ids of its charge."""
    run_sql_beside(op.get_bind(), __file__, "v0015_sentences.sql")
