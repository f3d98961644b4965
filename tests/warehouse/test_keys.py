"""Keys are made of texts of any length, by functions that every server allows."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from warehouse_nights import Nights

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


def test_texts_of_thousands_of_letters_are_published(nights: Nights) -> None:
    letters = random.Random(1)  # noqa: S311 - not a secret; an index compresses letters that repeat

    def text(length: int = 3000) -> str:
        return "".join(letters.choices("abcdefghijklmnopqrstuvwxyz0123456789äß漢字", k=length))

    consumed = {"recharged_consumption": 1, "recharged_cost": 1, "currency": "EUR"}
    license_ = {name: text() for name in ("license_name", "license_type", "publisher", "edition", "version")}
    by_name = {name: text() for name in ("device_name", "device_type", "host_name", "cluster_name")}
    by_id = {name: text() for name in ("device_id", "host_id", "cluster_id", "user_id", "user_name")}
    owner = {"device_cost_center": "/".join(text(15) for _ in range(200)), "device_location": text()}
    lines = [
        {**by_name, **owner, **consumed, "products": [{"product_name": text(), "is_supplementary": False}]},
        {**by_id, **consumed, "recharge_approach": text()},
        {"user_name": text(), "user_cost_center": text(), **consumed},
    ]
    nights.run({"licenses": [{"license_id": text(500), **license_, "consumed": 3, "lines": lines}]})

    rows = nights.rows("bi.chargeback")
    assert {row["device_name"] for row in rows} == {None, by_name["device_name"]}
    assert sum(row["recharged_cost"] for row in rows) == 3
    assert max(row["depth"] for row in nights.rows("bi.chargeback_by_cost_center")) == 199
