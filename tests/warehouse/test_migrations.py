"""The schema comes into being once, whoever asks, and its partitions when a load needs them."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from chargeback.errors import SchemaMismatch
from chargeback.steps import loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse import migrations
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection

PARTITIONS = """
    select relname
    from pg_class
    where relispartition and relkind = 'r'
    order by relname
"""

DAY = datetime.date(2026, 11, 24)
NIGHT = LoadRequest(org_id="12345", snapshot_date=DAY, today=DAY)


def test_an_empty_database_is_not_current_and_an_upgraded_one_is(new_database: URL) -> None:
    before = migrations.is_current(new_database)
    migrations.upgrade(new_database)

    assert (before, migrations.is_current(new_database)) == (False, True)


def test_a_url_may_be_text(new_database: URL) -> None:
    migrations.upgrade(new_database.render_as_string(hide_password=False))

    assert migrations.is_current(new_database.render_as_string(hide_password=False))


def test_two_upgrades_at_once_leave_one_schema(new_database: URL) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(migrations.upgrade, [new_database] * 4))

    assert migrations.is_current(new_database)


def test_an_upgraded_database_is_left_as_it_is(new_database: URL) -> None:
    migrations.upgrade(new_database)
    with Database.connect(new_database).transaction() as connection:
        execute(connection, "create table mart.kept (kept_id text)")

    migrations.upgrade(new_database)

    with Database.connect(new_database).transaction() as connection:
        assert execute(connection, "select count(*) from mart.kept").scalar_one() == 0


def test_an_unknown_schema_version_is_not_current(new_database: URL) -> None:
    migrations.upgrade(new_database)
    with Database.connect(new_database).transaction() as connection:
        execute(connection, "update ops.schema_versions set version_num = '9999'")

    assert not migrations.is_current(new_database)


def test_a_warehouse_of_a_newer_version_is_told_and_left_alone(new_database: URL) -> None:
    migrations.upgrade(new_database)
    with Database.connect(new_database).transaction() as connection:
        execute(connection, "update ops.schema_versions set version_num = '9999'")

    with pytest.raises(SchemaMismatch, match="revision 9999, which this version of the code does not know"):
        migrations.upgrade(new_database)

    assert migrations.current_revision(new_database) == "9999"


@pytest.mark.parametrize(
    ("revision", "has"), [(None, "no tables of ours"), ("0001", "revision 0001"), ("0015", "revision 0015")]
)
def test_no_load_is_opened_in_a_warehouse_of_an_older_version(
    new_database: URL, revision: str | None, has: str
) -> None:
    if revision:
        migrations.upgrade(new_database, revision)

    with pytest.raises(SchemaMismatch, match=f"The warehouse has {has}.* Run make migrate"):
        loads.open_load(Database.connect(new_database), NIGHT)


def test_workers_with_the_code_of_before_go_on_in_a_warehouse_that_is_migrated_already(
    new_database: URL,
) -> None:
    migrations.upgrade(new_database)
    with Database.connect(new_database).transaction() as connection:
        execute(connection, "update ops.schema_versions set version_num = '9999'")

    assert loads.open_load(Database.connect(new_database), NIGHT) == 1


def test_a_user_who_may_not_create_roles_can_still_upgrade(new_database: URL) -> None:
    owner = f"owner_of_{new_database.database}"
    with Database.connect(new_database).transaction() as connection:
        execute(connection, f"create role {owner} login password 'owner'")
        execute(connection, f"alter database {new_database.database} owner to {owner}")
    try:
        as_owner = new_database.set(username=owner, password="owner")
        migrations.upgrade(as_owner)
        assert migrations.is_current(as_owner)
    finally:
        with Database.connect(new_database).transaction() as connection:
            execute(connection, f"drop owned by {owner} cascade")
            execute(connection, f"alter database {new_database.database} owner to current_user")
            execute(connection, f"drop role {owner}")


def test_a_load_has_a_partition_of_its_own_and_a_month_one_for_all(connection: Connection) -> None:
    for load_id, date in ((1, "2026-11-30"), (2, "2026-11-01"), (3, "2026-12-01"), (3, "2026-12-01")):
        execute(
            connection,
            "select ops.ensure_partitions(%(load_id)s, %(date)s::date)",
            load_id=load_id,
            date=date,
        )
    names = execute(connection, PARTITIONS).scalars().all()

    assert {name for name in names if name.startswith("consumption_pages")} == {
        f"consumption_pages_load_{load_id}" for load_id in (1, 2, 3)
    }
    assert {name for name in names if name.startswith("fct_chargeback")} == {
        "fct_chargeback_2026_11",
        "fct_chargeback_2026_12",
    }


def test_loads_that_open_at_once_share_the_month(new_database: URL) -> None:
    migrations.upgrade(new_database)

    def open_load(load_id: int) -> None:
        with Database.connect(new_database).transaction() as connection:
            execute(
                connection, "select ops.ensure_partitions(%(load_id)s, '2026-11-24'::date)", load_id=load_id
            )

    with ThreadPoolExecutor(max_workers=4) as threads:
        list(threads.map(open_load, range(1, 9)))

    with Database.connect(new_database).transaction() as connection:
        names = execute(connection, PARTITIONS).scalars().all()
    assert sum(name.startswith("int_licenses_load_") for name in names) == 8


def test_a_partition_is_made_while_another_load_writes_and_bi_reads(new_database: URL) -> None:
    migrations.upgrade(new_database)
    database = Database.connect(new_database)
    with database.transaction() as opener:
        execute(opener, "select ops.ensure_partitions(1, '2026-11-24'::date)")

    with database.transaction() as writer, database.transaction() as opener:
        execute(writer, "insert into staging.license_pages (load_id, page_number, body) values (1, 1, '[]')")
        execute(writer, "select count(*) from bi.chargeback")
        execute(opener, "set local lock_timeout = '2s'")
        execute(opener, "select ops.ensure_partitions(2, '2026-12-24'::date)")


def test_statistics_are_refreshed_for_the_load_alone(connection: Connection) -> None:
    execute(connection, "select ops.ensure_partitions(1, '2026-11-24'::date)")
    execute(connection, "insert into staging.license_pages (load_id, page_number, body) values (1, 1, '[]')")
    execute(connection, "select ops.analyze_load('staging.license_pages', 1, '2026-11-24'::date)")
    execute(connection, "select ops.analyze_load('mart.dim_hosts', 1, '2026-11-24'::date)")

    rows = execute(
        connection,
        """
        select relname, reltuples::integer
        from pg_class
        where relname like %(pattern)s and relkind in ('r', 'p')
        """,
        pattern="license\\_pages%",
    ).all()
    assert dict(map(tuple, rows)) == {"license_pages": -1, "license_pages_load_1": 1}
