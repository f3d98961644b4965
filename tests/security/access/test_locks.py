"""No login but the job's can hold up a snapshot: its locks are rows, and the server's own locks are not for readers."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from access_world import AccessWorld, Person, access_world
from pages import blocks
from sqlalchemy.exc import OperationalError

from chargeback.doctor import server
from chargeback.warehouse import locks, migrations, staging
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightly_job import Nightly

READERS = ("chargeback_analyst", "chargeback_owner", "chargeback_auditor")
TAKING = "from pg_proc where proname ~ 'advisory.*lock' and proname !~ 'unlock'"
# The names of locks that were advisory once, and every key that pg_locks shows.
NAMES = (
    "license_chargeback/partitions",
    "license_chargeback/migrations",
    "members/12345",
    "request budget 127.0.0.1/12345",
    "partitions",
    "migrations",
)
LARGE_OBJECTS = ("lo_create(0)", "lo_creat(131072)", "lo_from_bytea(0, 'x')", "lo_import('/etc/hostname')")
OF_JOB = "select {} from pg_stat_activity where usename like 'job%' and datname = current_database() and {}"
NOBODY_HOLDS = "select count(*) = 0 from pg_locks where relation = 'ops.locks'::regclass"


@pytest.fixture
def readers(world: AccessWorld) -> list[Person]:
    """One login of each kind that reads, and one that has no role."""
    return [world.person(f"locks_{role}", role) for role in READERS] + [world.person("locks_nobody")]


def test_no_reader_takes_an_advisory_lock_or_creates_a_large_object(
    world: AccessWorld, readers: list[Person]
) -> None:
    assert world.admin.value(f"select count(*) {TAKING}") >= 16
    for reader in readers:
        open_to = "and has_function_privilege(%s, oid, 'execute')"
        assert world.admin.rows(f"select oid::regprocedure {TAKING} {open_to}", reader.name) == []
        for call in (*LARGE_OBJECTS, "pg_advisory_lock(1)", "pg_try_advisory_lock_shared(1, 2)"):
            assert "permission denied for function" in reader.error(f"select {call}")


@pytest.mark.parametrize(
    "statement",
    [
        "select name from ops.locks for update",
        "select name from ops.locks for key share",
        "insert into ops.locks values ('partitions')",
        "delete from ops.locks",
        "begin; lock table ops.locks in row share mode",
        "begin; lock table ops.locks",
    ],
)
def test_no_reader_locks_what_the_job_locks(readers: list[Person], statement: str) -> None:
    for reader in readers:
        assert "permission denied" in reader.error(statement)


@pytest.fixture
def hosted(
    postgres_url: str, warehouse_template: str, on_server: Callable[[str], None]
) -> Iterator[AccessWorld]:
    """A warehouse on a server whose owner leaves advisory locks and large objects to everybody."""
    with access_world(postgres_url, warehouse_template, on_server) as world:
        functions = world.admin.value(
            f"select string_agg(oid::regprocedure::text, ', ') {TAKING} or proname in "
            "('lo_creat', 'lo_create', 'lo_from_bytea')"
        )
        world.admin.run(f"grant execute on function {functions} to public")
        yield world


def run_the_recipe(world: AccessWorld) -> None:
    [recipe] = [block for block in blocks("docs/access.md", "sql") if "pg_advisory_lock(bigint)" in block]
    world.admin.run(recipe)


@pytest.mark.parametrize(
    "close", [lambda world: migrations.upgrade(world.url), run_the_recipe], ids=["migrate", "recipe"]
)
def test_the_doctor_says_where_they_are_open_until_a_superuser_takes_them_away(
    hosted: AccessWorld, close: Callable[[AccessWorld], object]
) -> None:
    job = Database.connect(hosted.person("job", "chargeback_loader").url)
    with job.transaction() as session:
        told = server.server_functions(session)
    assert "every login may take advisory locks" in told.found
    assert "no snapshot waits for them" in told.found

    close(hosted)

    with job.transaction() as session:
        told = server.server_functions(session)
    assert told.found == "readers take no advisory lock and create no large object"


def test_a_reader_who_takes_every_advisory_lock_it_can_name_stops_no_snapshot(
    hosted: AccessWorld, nightly: Nightly
) -> None:
    """The reader copies the locks that are held, too, over and over, in a transaction that has read all it may."""
    reader, job = hosted.person("greedy", "chargeback_auditor"), hosted.person("job", "chargeback_loader")
    is_over = threading.Event()
    with reader.session() as cursor, pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        cursor.execute("begin")
        for view in hosted.views():
            cursor.execute(f"select count(*) from bi.{view}")
        for name in NAMES:
            cursor.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (name,))
        copying = threading.Thread(target=_copy_locks, args=(cursor, is_over))
        stack.callback(copying.join)
        stack.callback(is_over.set)
        copying.start()
        patch.setenv(
            "AIRFLOW_CONN_WAREHOUSE", job.url.set(drivername="postgres").render_as_string(hide_password=False)
        )
        assert nightly.run().state == "success"
        is_over.set()
        copying.join()
        cursor.execute("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()")
        assert cursor.fetchone()[0] >= len(NAMES)
    assert hosted.admin.value("select count(*) from ops.snapshots") == 1
    assert hosted.admin.value(NOBODY_HOLDS)


def _copy_locks(cursor: Any, is_over: threading.Event) -> None:
    """Take each advisory lock that somebody else holds at this moment."""
    while not is_over.wait(0.05):
        cursor.execute(
            "select pg_try_advisory_lock(classid::bigint << 32 | objid::bigint) from pg_locks "
            "where locktype = 'advisory' and pid <> pg_backend_pid()"
        )


def test_two_tasks_still_exclude_each_other(hosted: AccessWorld) -> None:
    """The second waits, and goes on when the first one's connection is lost."""
    database = Database.connect(hosted.person("job", "chargeback_loader").url)
    order: list[str] = []

    def second() -> None:
        with locks.held(database, "extraction/1/4711"):
            order.append("second")

    waiting = threading.Thread(target=second)
    with database.session() as first:
        locks.take(first, "extraction/1/4711")
        waiting.start()
        _until(hosted.admin, OF_JOB.format("count(*) = 1", "wait_event_type = 'Lock'"))
        order.append("first")
        hosted.admin.rows(OF_JOB.format("pg_terminate_backend(pid)", "state = 'idle in transaction'"))
        waiting.join()
        first.invalidate()

    assert order == ["first", "second"]
    assert hosted.admin.value(NOBODY_HOLDS)


def test_a_task_that_has_lost_its_lock_writes_nothing_more(hosted: AccessWorld) -> None:
    database = Database.connect(hosted.person("job", "chargeback_loader").url)
    with staging.license_session(database, 1, "4711") as connection:
        hosted.admin.rows(OF_JOB.format("pg_terminate_backend(pid)", "state = 'idle in transaction'"))
        with pytest.raises(OperationalError):
            staging.begin_extraction(connection, 1, "4711")

    assert hosted.admin.value("select count(*) from ops.extractions") == 0


def test_partitions_are_made_by_one_at_a_time(hosted: AccessWorld) -> None:
    job = hosted.person("job", "chargeback_loader")
    making = "set lock_timeout = '200ms'; select ops.ensure_partitions({}, '2026-05-31')"
    with Database.connect(job.url).transaction() as first:
        execute(first, making.format(1))
        assert "lock timeout" in job.error(making.format(2))
    job.run(making.format(2))


def _until(person: Person, condition: str) -> None:
    while not person.value(condition):
        threading.Event().wait(0.02)
