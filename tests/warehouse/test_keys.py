"""Keys are made of texts of any length, by functions that every server allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

DEFINITIONS = """
select pg_get_functiondef(pg_proc.oid) as definition
from pg_proc
where pronamespace::regnamespace::text in ('ops', 'mart', 'bi', 'intermediate', 'staging') and prokind = 'f'
union all
select pg_get_viewdef(oid) from pg_class
where relkind = 'v' and relnamespace::regnamespace::text in ('ops', 'mart', 'bi', 'bi_owner', 'intermediate')
union all
select pg_get_expr(adbin, adrelid) from pg_attrdef
"""


def test_no_definition_asks_for_md5_which_servers_with_fips_refuse(connection: Connection) -> None:
    found = execute(connection, DEFINITIONS).scalars().all()

    assert len(found) > 50
    assert [text for text in found if "md5" in text] == []


def test_a_text_of_any_length_has_a_key(connection: Connection) -> None:
    statement = "select mart.version_key(repeat(%(text)s, 100000)) <> mart.version_key(%(text)s)"

    assert execute(connection, statement, text="é\\").scalar_one()
