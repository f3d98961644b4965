"""The embedded PostgreSQL as its users meet it: several of them, crashes, any kind of account."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest

from local_runtime import account
from local_runtime.postgres import PostgresError, PostgresServer, program

FAST = {"fsync": "off"}
USE = """
import sys
from pathlib import Path
from local_runtime.postgres import PostgresServer
with PostgresServer(Path(sys.argv[1]), {"fsync": "off"}) as server:
    print(server.create_database("kept"), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a space in its name; a server left in it is killed."""
    folder = tmp_path / "state of tests" / "postgres"
    yield folder
    PostgresServer(folder).stop("immediate")


def answer(url: str, statement: str) -> object:
    """The first value of what a database answers."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def another_user(folder, command=(sys.executable,)) -> subprocess.Popen[str]:
    """Another process that uses the folder's server until its standard input ends."""
    return subprocess.Popen(
        [*command, "-c", USE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_committed_data_outlives_a_killed_server_and_the_address_stays(folder) -> None:
    with PostgresServer(folder) as server:
        url = server.create_database("warehouse")
        answer(url, "create table kept as select 42 as value")
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        server.start()

        assert server.pid != killed
        assert answer(url, "select value from kept") == 42
    assert not server.is_running


def test_the_last_user_stops_the_server_and_no_one_before(folder) -> None:
    with PostgresServer(folder, FAST) as server:
        other = another_user(folder)
        other.stdout.readline()
        server.release()
        assert server.is_running
        other.communicate("")
        assert not server.is_running


def test_a_user_that_was_killed_does_not_count(folder) -> None:
    other = another_user(folder)
    other.stdout.readline()
    other.kill()
    other.communicate()

    with PostgresServer(folder, FAST) as server:
        assert answer(server.url("kept"), "select 1") == 1
    assert not server.is_running


def test_two_folders_have_servers_of_their_own(folder, tmp_path) -> None:
    with PostgresServer(folder, FAST) as first, PostgresServer(tmp_path / "second", FAST) as second:
        first.create_database("only_here")

        assert first.port != second.port
        assert first.password != second.password
        assert answer(second.url(), "select count(*) from pg_database where datname = 'only_here'") == 0


def test_only_the_owner_may_read_the_password_and_only_this_machine_may_connect(folder) -> None:
    with PostgresServer(folder, FAST) as server:
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        assert answer(server.url(), "show listen_addresses") == "127.0.0.1"
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(server.url().replace(server.password, "guess"))


def test_nobody_else_reads_its_log_and_no_password_of_a_failed_statement_reaches_it(folder) -> None:
    folder.mkdir(mode=0o755, parents=True)
    log = folder / "server.log"
    log.touch(mode=0o644)
    with PostgresServer(folder, FAST) as server:
        for statement in (
            "create role maria login password 'hush' in role unknown",
            "create role maria login password hush",
            'alter role unknown password "hush"',
            "select 'hush'::integer",
        ):
            with pytest.raises(psycopg2.Error):
                answer(server.url(), statement)
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(server.url().replace(server.password, "guess"))
        server.stop()  # a log is written on when the server starts again
        server.start()

    written = log.read_text(encoding="utf-8")
    assert "hush" not in written
    assert "password authentication failed" in written
    assert written.count("ready to accept connections") == 2
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_normal_user_starts_it_without_any_help(folder) -> None:
    folder.mkdir(parents=True)
    user = account.account_for(folder, program("postgres"))
    user.give(folder)
    other = another_user(folder, [*user.prefix, sys.executable])
    url = other.stdout.readline().strip()

    assert answer(url, "select 1") == 1
    other.communicate("")
    assert other.returncode == 0
    assert not PostgresServer(folder).is_running


def test_where_user_namespaces_are_blocked_roots_server_owns_its_data_and_nothing_else(
    folder, monkeypatch
) -> None:
    succeeds = account._succeeds
    monkeypatch.setattr(account, "_succeeds", lambda command: command[0] != "unshare" and succeeds(command))
    owner = os.geteuid() or account._service_account().pw_uid
    with PostgresServer(folder, FAST) as server:
        assert answer(server.url(), "select 1") == 1
        assert (folder / "data").stat().st_uid == owner
        assert folder.stat().st_uid == os.geteuid()
    assert not server.is_running


def test_without_an_account_to_run_as_root_is_told_what_to_do(folder, monkeypatch) -> None:
    monkeypatch.setattr(account, "SERVICE_ACCOUNTS", ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(PostgresError, match="Run as a normal user"):
        PostgresServer(folder, FAST).start()
