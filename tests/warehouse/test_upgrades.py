"""A warehouse with data in it goes through every revision, under readers, and through a dump and a restore."""

from __future__ import annotations

import datetime
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from released_warehouse import NIGHTS, Warehouse, first_release, night, run
from sqlalchemy.engine import make_url

from chargeback.errors import WarehouseBusy
from chargeback.warehouse import migrations
from chargeback.warehouse.database import execute
from local_runtime.postgres import PostgresServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import URL

    from flexera_simulator.testing import RunningSimulator

REVISIONS = migrations.revisions()
CHANGES = [REVISIONS[number : number + 2] for number in range(len(REVISIONS) - 1)]
# Much longer than a revision may wait for a table, so that a reader that hits it stood behind a revision at work.
PATIENT_READER = "-c lock_timeout=10s -c statement_timeout=30s"
READERS = 4
UPGRADE = "import sys; from chargeback.warehouse import migrations; migrations.upgrade(sys.argv[1])"
ROLES = ("chargeback_loader", "chargeback_analyst", "chargeback_owner", "chargeback_auditor")


@pytest.fixture
def another_database(new_database: URL, on_server: Callable[[str], None]) -> Iterator[URL]:
    """A second empty database on the same server."""
    name = f"warehouse_other_{uuid.uuid4().hex}"
    on_server(f"create database {name} template template0")
    yield new_database.set(database=name)
    on_server(f"drop database {name} with (force)")


@pytest.fixture
def released(new_database: URL) -> Warehouse:
    """The first release's schema, with two nights that its job published."""
    return first_release(new_database)


def test_the_first_release_left_every_kind_of_row(released: Warehouse) -> None:
    for table in (
        *("staging.license_pages", "staging.consumption_pages", "intermediate.int_consumption_lines"),
        *("mart.dim_licenses", "mart.dim_consumers", "mart.fct_chargeback", "mart.fct_license_positions"),
        *("ops.loads", "ops.extractions", "ops.check_results", "ops.quarantined_rows", "ops.snapshots"),
    ):
        assert released.rows(f"select count(*) from {table}") > [(0,)], table
    assert [row[0] for row in released.rows("select snapshot_date from bi.snapshot order by 1")] == list(
        NIGHTS
    )
    assert all(released.visible({view: ["*"] for view in released.columns()}).values())


def test_every_revision_leaves_the_readers_rows_to_the_cent(released: Warehouse) -> None:
    columns = released.columns()
    before = released.visible(columns)

    for revision in REVISIONS[1:]:
        migrations.upgrade(released.url, revision)
        assert released.visible(columns) == before, revision
        assert released.rows("select version_num from ops.schema_versions") == [(revision,)]

    assert migrations.is_current(released.url)


def test_one_step_and_many_give_the_same_schema(released: Warehouse, another_database: URL) -> None:
    stepped = first_release(another_database)
    for revision in REVISIONS[1:]:
        migrations.upgrade(stepped.url, revision)
    migrations.upgrade(released.url)

    assert released.schema() == stepped.schema()


def test_a_night_of_the_first_release_is_rebuilt_and_derived(
    released: Warehouse, simulator: RunningSimulator
) -> None:
    night_of_it = f"bi.chargeback where snapshot_date = '{NIGHTS[-1]}'"
    statement = (
        f"select license_id, device_id, user_id, recharged_cost from {night_of_it} order by 1, 2, 3, 4"
    )
    before = released.rows(statement)
    migrations.upgrade(released.url)

    totals = night(released, simulator, NIGHTS[-1], "raw")

    assert released.rows(statement) == before
    assert simulator.api_request_count() == 0
    assert totals["row_count"] == len(before)
    derived = (
        f"select count(derived_consumption), count(*) from bi.chargeback where snapshot_date = '{NIGHTS[-1]}'"
    )
    assert released.rows(derived) == [(len(before), len(before))]


def test_readers_go_on_while_the_warehouse_is_upgraded(released: Warehouse) -> None:
    columns = released.columns()
    before = released.visible(columns)
    is_over = threading.Event()
    looks: list[int] = []

    def read() -> None:
        looked = 0
        with reader(released) as connection:
            while not is_over.is_set() or not looked:
                for view, names in columns.items():
                    assert count(connection, f"select count({names[0]}) from bi.{view}") == len(before[view])
                looked += 1
        looks.append(looked)

    with ThreadPoolExecutor(READERS) as threads:
        reading = [threads.submit(read) for _ in range(READERS)]
        try:
            migrations.upgrade(released.url)
        finally:
            is_over.set()
        for thread in reading:
            thread.result()

    assert len(looks) == READERS
    assert migrations.is_current(released.url)


@pytest.mark.parametrize(("start", "revision"), CHANGES)
def test_a_revision_that_cannot_have_its_table_steps_back(
    released: Warehouse, start: str, revision: str
) -> None:
    """Somebody keeps every table locked, as a run or a long query does; others still get at them in between."""
    migrations.upgrade(released.url, start)
    before = released.schema()
    with released.database.transaction() as holder:
        for name in tables(released):
            execute(holder, f"lock table {name} in access share mode")
        try:
            migrations.upgrade(released.url, revision, pauses=(0.1,))
        except WarehouseBusy as busy:
            reached = released.rows("select version_num from ops.schema_versions")
            needy = f"Revision {revision}" if reached == [(start,)] else "What follows a migration"
            assert f"{needy} needs a table" in str(busy)  # noqa: PT017 - not every revision needs one
            assert reached in ([(start,)], [(revision,)])
    if released.rows("select version_num from ops.schema_versions") == [(start,)]:
        assert released.schema() == before

    migrations.upgrade(released.url, revision)

    assert released.rows("select version_num from ops.schema_versions") == [(revision,)]


def test_a_busy_table_is_waited_for_without_holding_up_other_readers(released: Warehouse) -> None:
    migrations.upgrade(released.url, "0003")
    with ThreadPoolExecutor(1) as threads, released.database.transaction() as holder:
        execute(holder, "lock table mart.fct_chargeback in access share mode")
        upgrading = threads.submit(migrations.upgrade, released.url, "0004", [0.2] * 500)
        with reader(released) as connection:
            wait_until_a_revision_waits(connection)
            assert count(connection, "select count(*) from bi.chargeback") > 0
        assert not upgrading.done()
        holder.commit()
        upgrading.result()

    assert released.rows("select version_num from ops.schema_versions") == [("0004",)]


def test_an_upgrade_that_is_killed_halfway_leaves_nothing_half_done(
    released: Warehouse, another_database: URL
) -> None:
    migrations.upgrade(released.url, "0003")
    before = released.schema()
    address = released.url.render_as_string(hide_password=False)
    with released.database.transaction() as holder:
        execute(holder, "lock table mart.fct_chargeback in access share mode")
        with subprocess.Popen([sys.executable, "-c", UPGRADE, address]) as upgrading:
            with reader(released) as connection:
                wait_until_a_revision_waits(connection)
            upgrading.kill()
    assert upgrading.returncode < 0

    migrations.upgrade(released.url, "0003")  # waits until the server has noticed
    assert released.schema() == before
    migrations.upgrade(released.url)

    stepped = first_release(another_database)
    migrations.upgrade(stepped.url)
    assert released.schema() == stepped.schema()


def test_a_dump_is_restored_into_a_warehouse_that_goes_on(
    new_database: URL, another_database: URL, simulator: RunningSimulator, tmp_path: Path
) -> None:
    migrations.upgrade(new_database)
    original, restored = Warehouse(new_database), Warehouse(another_database)
    today = datetime.datetime.now(datetime.UTC).date()
    for date in (today - datetime.timedelta(days=2), today - datetime.timedelta(days=1)):
        simulator.set_date(date)
        night(original, simulator, date, "api")
    columns = original.columns()
    archive = tmp_path / "warehouse.dump"

    run("pg_dump", original.url, "--format=custom", f"--file={archive}")
    run("pg_restore", restored.url, "--exit-on-error", "--single-transaction", str(archive))

    assert migrations.is_current(restored.url)
    assert restored.visible(columns) == original.visible(columns)
    assert restored.schema() == original.schema()
    assert analyst_may_read(restored) == analyst_may_read(original) == {("bi", True)}
    simulator.set_date(today)
    assert night(restored, simulator, today, "api")["row_count"] > 0
    night(restored, simulator, today - datetime.timedelta(days=2), "raw")
    assert restored.rows("select count(*) from bi.snapshot") == [(3,)]


def test_a_dump_is_restored_on_a_server_that_has_the_roles_and_nothing_else(
    released: Warehouse, tmp_path: Path
) -> None:
    migrations.upgrade(released.url)
    columns, archive = released.columns(), tmp_path / "warehouse.dump"
    run("pg_dump", released.url, "--format=custom", f"--file={archive}")

    with PostgresServer(tmp_path / "server", port=free_port()) as server:
        for role in ROLES:
            run("psql", make_url(server.url()), f"--command=create role {role} nologin")
        address = server.create_database("warehouse", template="template0")
        restored = Warehouse(make_url(address).set(drivername="postgresql+psycopg2"))
        run("pg_restore", restored.url, "--exit-on-error", "--single-transaction", str(archive))

        assert migrations.upgrade(restored.url) == []
        assert restored.schema() == released.schema()
        assert restored.visible(columns) == released.visible(columns)
        assert analyst_may_read(restored) == {("bi", True)}


def reader(warehouse: Warehouse) -> Any:
    """A connection as a BI tool has it: each statement a transaction of its own."""
    url = warehouse.url
    connection = psycopg2.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database,
        options=PATIENT_READER,
    )  # fmt: skip
    connection.autocommit = True
    return Closing(connection)


class Closing:
    """psycopg2's own block ends a transaction, not the connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __enter__(self) -> Any:
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def count(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def wait_until_a_revision_waits(connection: Any) -> None:
    """Until the revision queues up for its table; it does so again and again while that is held."""
    while not count(
        connection,
        "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock' "
        "and relation = 'mart.fct_chargeback'::regclass",
    ):
        pass


def tables(warehouse: Warehouse) -> list[str]:
    return [
        row[0]
        for row in warehouse.rows(
            "select schemaname || '.' || tablename from pg_tables "
            "where schemaname in ('staging', 'intermediate', 'mart', 'ops') and tablename <> 'schema_versions'"
        )
    ]


def analyst_may_read(warehouse: Warehouse) -> set[tuple[str, bool]]:
    """The schemas of which role chargeback_analyst may read something, and whether it may read all of it."""
    rows = warehouse.rows(
        """
        select
            pg_namespace.nspname,
            bool_or(has_table_privilege('chargeback_analyst', pg_class.oid, 'select'))
            and has_schema_privilege('chargeback_analyst', pg_namespace.oid, 'usage'),
            bool_and(has_table_privilege('chargeback_analyst', pg_class.oid, 'select'))
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where
            pg_class.relkind in ('r', 'v', 'p')
            and pg_namespace.nspname in ('staging', 'intermediate', 'mart', 'ops', 'bi')
        group by pg_namespace.oid, pg_namespace.nspname
        """
    )
    return {(schema, is_whole) for schema, is_readable, is_whole in rows if is_readable}
