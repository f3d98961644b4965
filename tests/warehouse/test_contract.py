"""What analysts see: the promised views and columns, explained, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from sqlalchemy.exc import ProgrammingError

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from warehouse_nights import Nights

CONTRACT = yaml.safe_load((Path(__file__).parent / "contract.yaml").read_text(encoding="utf-8"))
NIGHT = {
    "licenses": [
        {
            "license_id": "1",
            "license_type": "Device",
            "consumed": 1,
            "lines": [
                {
                    "device_id": "d1",
                    "host_id": "h1",
                    "cluster_id": "c1",
                    "recharged_consumption": 1,
                    "products": [{"product_name": "p1"}],
                }
            ],
        }
    ]
}


def test_the_views_have_the_promised_columns_in_order(connection: Connection) -> None:
    views: dict[str, list[str]] = {}
    for view, column in execute(
        connection,
        """
        select table_name, column_name
        from information_schema.columns
        where table_schema = 'bi'
        order by table_name, ordinal_position
        """,
    ):
        views.setdefault(view, []).append(column)

    assert views == CONTRACT


def test_every_view_and_column_has_a_comment(connection: Connection) -> None:
    comments = execute(
        connection,
        """
        select
            pg_class.relname || coalesce('.' || pg_attribute.attname, '') as name,
            pg_description.description
        from pg_class
        left join pg_attribute on pg_class.oid = pg_attribute.attrelid and pg_attribute.attnum > 0
        left join pg_description
            on pg_class.oid = pg_description.objoid and pg_attribute.attnum = pg_description.objsubid
        where pg_class.relnamespace = 'bi'::regnamespace
        union all
        select pg_class.relname, obj_description(pg_class.oid, 'pg_class')
        from pg_class
        where pg_class.relnamespace = 'bi'::regnamespace
        """,
    ).all()

    assert len(comments) == len(CONTRACT) + sum(map(len, CONTRACT.values()))
    assert [name for name, comment in comments if not comment] == []


def test_every_residue_reason_is_explained_to_analysts(connection: Connection) -> None:
    comment = execute(connection, "select col_description('bi.license_position'::regclass, 13)").scalar_one()
    reasons = execute(connection, "select residue_reason from mart.residue_reasons").scalars().all()

    assert reasons
    assert [reason for reason in reasons if f"\n{reason}:" not in comment] == []


def test_money_and_quantities_are_exact_and_ids_are_text(connection: Connection) -> None:
    types = dict(
        execute(
            connection,
            """
            select distinct column_name, data_type
            from information_schema.columns
            where table_schema = 'bi'
            """,
        ).all()
    )

    assert "double precision" not in types.values()
    assert {type_ for name, type_ in types.items() if name.endswith("_id")} == {"text"}
    assert {type_ for name, type_ in types.items() if name.endswith(("_cost", "_consumption"))} == {"numeric"}
    assert {type_ for name, type_ in types.items() if name.endswith("_at")} == {"timestamp with time zone"}


def test_analysts_read_every_view(connection: Connection, nights: Nights) -> None:
    nights.run(NIGHT)
    execute(connection, "set local role chargeback_analyst")

    for view in CONTRACT:
        assert execute(connection, f"select count(*) from bi.{view}").scalar_one() > 0, view


@pytest.mark.parametrize(
    "forbidden",
    [
        "select * from mart.fct_chargeback",
        "select * from intermediate.int_consumption_lines",
        "select * from staging.consumption_pages",
        "select * from ops.loads",
        "select mart.filled('x')",
        "create view bi.mine as select 1 as one",
    ],
)
def test_analysts_reach_nothing_but_bi(connection: Connection, forbidden: str) -> None:
    execute(connection, "set local role chargeback_analyst")

    with pytest.raises(ProgrammingError, match="permission denied"):
        execute(connection, forbidden)


def test_a_load_is_invisible_until_it_is_published(connection: Connection, nights: Nights) -> None:
    nights.run(NIGHT)
    execute(connection, "delete from ops.snapshots")

    shown = [view for view in CONTRACT if nights.rows(f"bi.{view}")]
    assert shown == ["delta_reason"]  # what a reason means is the same in every load


def test_current_is_the_latest_snapshot_of_each_organization(connection: Connection, nights: Nights) -> None:
    nights.run(NIGHT)
    nights.run({**NIGHT, "snapshot_date": "2026-11-25"})
    nights.org_id = "another"
    nights.run(NIGHT)

    current = {(row["org_id"], str(row["snapshot_date"])) for row in nights.rows("bi.chargeback_current")}
    assert current == {("12345", "2026-11-25"), ("another", "2026-11-24")}
