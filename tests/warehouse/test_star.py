"""The star: keys that are whole, levels that are not lost, days that stay, and dates replaced one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy.exc import IntegrityError

from chargeback.warehouse import migrations
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection
    from warehouse_nights import Nights


def night(snapshot_date: str, cost_center: str = "Retail/Stores") -> dict[str, Any]:
    line = {
        "device_id": "d1",
        "device_cost_center": cost_center,
        "host_id": "h1",
        "cluster_name": "c1",
        "recharged_consumption": 2,
        "recharged_cost": 20,
        "products": [{"product_name": "Database"}],
    }
    license_ = {"license_id": "1", "license_name": "l", "license_type": "Device", "consumed": 2}
    return {"snapshot_date": snapshot_date, "licenses": [{**license_, "lines": [line]}]}


def test_every_key_of_a_fact_of_bi_is_that_of_a_dimension(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24"))
    columns = execute(
        connection,
        """
        select table_name, column_name
        from information_schema.columns
        where
            table_schema = 'bi'
            and table_name like 'fact\\_%%'
            and (column_name like '%%\\_key' or column_name = 'snapshot_date')
        """,
    ).all()
    dimensions = dict(
        execute(
            connection,
            """
            select column_name, table_name
            from information_schema.columns
            where table_schema = 'bi' and table_name like 'dim\\_%%' and ordinal_position = 1
            """,
        ).all()
    )

    assert len({column for _, column in columns}) == len(dimensions)
    for fact, column in columns:
        lost = f"select {column} from bi.{fact} except select {column} from bi.{dimensions[column]}"
        assert execute(connection, lost).all() == [], (fact, column)
        keys = execute(connection, f"select count(*), count(distinct {column}) from bi.{dimensions[column]}")
        assert len(set(keys.one())) == 1, "a dimension gives a key twice"


def test_the_owner_of_a_day_stays_that_days(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24", "Retail/Stores"))
    nights.run(night("2026-11-25", "Retail/Online"))

    owners = execute(
        connection,
        """
        select facts.snapshot_date::text, dim_cost_center.cost_center
        from bi.fact_chargeback as facts
        inner join bi.dim_cost_center using (cost_center_key)
        order by facts.snapshot_date
        """,
    ).all()
    assert owners == [("2026-11-24", "Retail/Stores"), ("2026-11-25", "Retail/Online")]


def test_members_of_a_load_that_is_not_published_are_invisible(
    connection: Connection, nights: Nights
) -> None:
    nights.run(night("2026-11-24"))
    broken = night("2026-11-25", "Secret/Plans")
    broken["licenses"][0]["license_name"] = "secret"
    broken["licenses"][0]["lines"][0] |= {
        "device_id": "secret",
        "host_id": "secret",
        "cluster_name": "secret",
    }
    broken["licenses"][0]["lines"][0]["products"] = [{"product_name": "secret"}]
    assert nights.run({**broken, "sabotage_star": ["delete from mart.fct_unit_totals where total_cost > 0"]})

    views = execute(
        connection,
        "select table_name from information_schema.views "
        "where table_schema = 'bi' and table_name ~ '^(dim|fact)_'",
    ).scalars()
    shown = [str(row).lower() for view in views for row in nights.rows(f"bi.{view}")]
    assert shown
    assert [row for row in shown if "secret" in row] == []


def test_a_date_is_replaced_without_touching_another(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24"))
    nights.run(night("2026-11-25"))
    others = "select ctid::text, xmin::text, load_id from {} where snapshot_date = '2026-11-24'"
    facts = (
        execute(
            connection,
            "select oid::regclass::text from pg_class "
            "where relnamespace = 'mart'::regnamespace and relkind = 'p' and relname like 'fct%%'",
        )
        .scalars()
        .all()
    )
    before = {fact: execute(connection, others.format(fact)).all() for fact in facts}

    nights.run(night("2026-11-25", "Retail/Online"))

    assert {fact: execute(connection, others.format(fact)).all() for fact in facts} == before
    assert sum(map(len, before.values())) > len(facts)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("delete from mart.dim_licenses", "fct_.*_license_key_fkey"),
        ("delete from mart.dim_hosts", "fct_host_consumption_host_key_fkey"),
        ("delete from mart.dim_clusters", "fct_.*_cluster_key_fkey"),
        ("delete from mart.dim_organization_units where depth = 0", "parent_key_fkey"),
        ("delete from mart.dim_publishers", "publisher_key_fkey"),
        ("update mart.dim_organization_units set level_2 = null", "dim_organization_units_levels"),
        ("update mart.dim_organization_units set parent_key = null", "dim_organization_units_parent"),
        ("update mart.fct_chargeback set line_count = 0", "line_count_check"),
        ("update mart.dim_products set product_name = ''", "product_name_check"),
    ],
)
def test_the_database_refuses_what_would_break_the_star(
    connection: Connection, nights: Nights, statement: str, constraint: str
) -> None:
    nights.run(night("2026-11-24"))

    with pytest.raises(IntegrityError, match=constraint):
        execute(connection, statement)


def test_every_table_and_column_of_mart_has_a_comment(connection: Connection) -> None:
    silent = execute(
        connection,
        """
        select pg_class.relname || coalesce('.' || pg_attribute.attname, '')
        from pg_class
        left join pg_attribute
            on pg_class.oid = pg_attribute.attrelid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        where
            pg_class.relnamespace = 'mart'::regnamespace
            and pg_class.relkind in ('r', 'p', 'v', 'm')
            and not pg_class.relispartition
            and (
                obj_description(pg_class.oid, 'pg_class') is null
                or col_description(pg_class.oid, pg_attribute.attnum) is null
            )
        """,
    ).scalars()

    assert list(silent) == []


def test_a_fact_knows_the_latest_nights_of_its_own_organization(
    connection: Connection, nights: Nights
) -> None:
    for org_id, dates in {
        "12345": ["2026-10-30", "2026-11-23", "2026-11-24"],
        "67890": ["2026-11-22", "2026-10-31"],
    }.items():
        nights.org_id = org_id
        for snapshot_date in dates:
            nights.run(night(snapshot_date))

    assert _marked(connection, "is_latest_snapshot") == [("12345", "2026-11-24"), ("67890", "2026-11-22")]
    last_of_month = [
        *[("12345", "2026-10-30"), ("12345", "2026-11-24")],
        *[("67890", "2026-10-31"), ("67890", "2026-11-22")],
    ]
    assert _marked(connection, "is_last_snapshot_of_month") == last_of_month
    execute(connection, "delete from ops.snapshots where snapshot_date = '2026-11-24'")
    assert _marked(connection, "is_latest_snapshot") == [("12345", "2026-11-23"), ("67890", "2026-11-22")]


def _marked(connection: Connection, mark: str) -> list[tuple[str, str]]:
    """Organizations and dates of the marked rows, which all facts must agree on."""
    facts = ("chargeback", "license_position", "vm_consumption", "host_consumption", "cluster_consumption")
    found = [
        execute(
            connection,
            f"select distinct org_id, snapshot_date::text from bi.fact_{fact} where {mark} order by 1, 2",
        ).all()
        for fact in (*facts, "product_use")
    ]
    assert all(rows == found[0] for rows in found)
    return [tuple(row) for row in found[0]]


DEEP = "/".join("abcdefghijkl")
OF_THE_FIRST_RELEASES = f"""
insert into ops.loads (org_id, snapshot_date, source, pages_load_id, status)
values ('1', '2026-11-24', 'api', 1, 'published');
select ops.ensure_partitions(1, '2026-11-24'::date);
insert into ops.snapshots (org_id, snapshot_date, load_id) values ('1', '2026-11-24', 1);
insert into mart.dim_licenses (license_key, org_id, license_id, license_name, edition)
values (mart.version_key('license'), '1', '1', 'Database', 'Enterprise');
insert into mart.dim_consumers (consumer_key, org_id, consumer_type, consumer_identity, device_id)
values (mart.version_key('consumer'), '1', 'device', 'id:d1', 'd1');
insert into mart.dim_organization_units (unit_key, org_id, hierarchy, path, name, parent_path, depth, level_1)
select
    mart.organization_unit_key('1', 'cost_center', array_to_string(names[:depth], '/')), '1', 'cost_center',
    array_to_string(names[:depth], '/'), names[depth], nullif(array_to_string(names[:depth - 1], '/'), ''),
    depth - 1, names[1]
from (select string_to_array('{DEEP}', '/') as names) as path
cross join generate_series(1, 12) as depths (depth);
update mart.dim_organization_units
set
    level_2 = (string_to_array(path, '/'))[2], level_3 = (string_to_array(path, '/'))[3],
    level_4 = (string_to_array(path, '/'))[4], level_5 = (string_to_array(path, '/'))[5],
    level_6 = (string_to_array(path, '/'))[6];
insert into mart.fct_chargeback (
    load_id, snapshot_date, org_id, license_key, consumer_key, location_key, cost_center_key, corporate_unit_key,
    license_id, recharged_cost, line_count, is_carried_forward
)
select
    1, '2026-11-24', '1', mart.version_key('license'), mart.version_key('consumer'), unit_key, unit_key, unit_key,
    '1', 5, 1, false
from mart.dim_organization_units
where path = '{DEEP}';
insert into mart.fct_license_positions (
    load_id, snapshot_date, org_id, license_key, license_id, machine_consumption, recharged_consumption,
    recharged_cost, residue, row_count, page_count, status
)
values (1, '2026-11-24', '1', mart.version_key('license'), '1', 0, 0, 5, 0, 1, 1, 'loaded');
insert into mart.fct_host_consumption (
    load_id, snapshot_date, org_id, license_key, host_key, cluster_key, license_id, vm_count
)
values (
    1, '2026-11-24', '1', mart.version_key('license'), mart.version_key('host'), mart.version_key('cluster'), '1', 1
);
insert into mart.dim_hosts (host_key, org_id, host_identity) values (mart.version_key('host'), '1', 'id:h1');
insert into mart.dim_clusters (cluster_key, org_id, cluster_identity)
values (mart.version_key('cluster'), '1', 'name:c1');
insert into mart.fct_unit_totals
select
    1, '2026-11-24', '1', 'cost_center', mart.version_key('license'), unit_key, '1', 0, 0, 0, 5
from mart.dim_organization_units;
"""


def test_snapshots_of_earlier_releases_are_in_the_star(new_database: URL) -> None:
    database = Database.connect(new_database)
    with database.transaction() as connection:
        execute(connection, "create schema ops")
        command.upgrade(migrations._config(connection), "0004")
        connection.execution_options(no_parameters=True).exec_driver_sql(OF_THE_FIRST_RELEASES)

    migrations.upgrade(new_database)

    with database.transaction() as connection:
        [row] = execute(
            connection,
            """
            select
                dim_product.product_name,
                dim_product.edition,
                dim_publisher.publisher,
                dim_host.host_name,
                dim_cost_center.level_10,
                dim_cost_center.deeper_levels,
                above.cost_center_name as parent,
                dim_date.month_name,
                facts.recharged_cost
            from bi.fact_chargeback as facts
            inner join bi.dim_product using (product_key)
            inner join bi.dim_publisher using (publisher_key)
            inner join bi.dim_host using (host_key)
            inner join bi.dim_cost_center using (cost_center_key)
            inner join bi.dim_cost_center as above
                on dim_cost_center.parent_cost_center_key = above.cost_center_key
            inner join bi.dim_date using (snapshot_date)
            """,
        )
        [seen] = execute(
            connection,
            "select count(*) from bi.fact_host_consumption "
            "inner join bi.dim_host using (host_key) inner join bi.dim_cluster using (cluster_key)",
        ).scalars()
    assert seen == 1
    assert tuple(row) == (
        "Database", "Enterprise", "Unassigned", "Unassigned", "j", "k/l", "k", "November", 5,
    )  # fmt: skip
