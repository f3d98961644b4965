"""Texts have one form, identities never meet, keys need no md5, and no text is too long for an index."""

from __future__ import annotations

from alembic import op

from chargeback.warehouse.migrations import run_sql_beside

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Replace the rules of texts, identities and keys, and give every stored row its new key."""
    run_sql_beside(op.get_bind(), __file__, "v0027_identities.sql")
