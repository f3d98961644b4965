"""What the doctor says of the warehouse's server and database."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from chargeback.doctor import nights, server
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection


@pytest.fixture
def another(warehouse_url: str, on_server: Callable[[str], None]) -> Iterator[Callable[[str], Database]]:
    """Makes an empty database with these options."""
    made = []

    def make(options: str = "") -> Database:
        made.append(f"other_{uuid.uuid4().hex}")
        on_server(f"create database {made[-1]} template template0 {options}")
        return Database.connect(make_url(warehouse_url).set(database=made[-1]))

    yield make
    for name in made:
        on_server(f"drop database {name} with (force)")


def test_a_warehouse_as_it_should_be_has_nothing_to_complain_of(
    warehouse: Database, session: Connection
) -> None:
    findings = [
        server.connection(warehouse),
        server.version(session),
        server.encryption(session, "127.0.0.1"),
        server.encoding(session),
        server.clock(session),
        server.connections_left(session),
        *server.rights(session),
        server.schema(warehouse),
    ]

    assert [str(each) for each in findings if each.level != "ok"] == []
    assert len({each.check for each in findings}) == len(findings)


def test_a_server_that_is_away_is_told_without_the_password(warehouse: Database) -> None:
    away = Database.connect(warehouse.url.set(port=1, password="never-to-be-told"))
    found = server.connection(away)

    assert found.level == "problem"
    assert "127.0.0.1:1" in found.found
    assert "never-to-be-told" not in str(found)


def test_a_server_that_is_too_old_is_a_problem() -> None:
    assert server.version_finding(150004, "15.4").level == "ok"
    assert server.version_finding(140012, "14.12").level == "problem"


def test_a_connection_in_clear_to_a_host_far_away_is_told(session: Connection) -> None:
    found = server.encryption(session, "db.example.com")

    assert found.level == "warning"
    assert "sslmode=require" in found.advice


def test_a_database_in_another_encoding_is_a_problem(another: Callable[[str], Database]) -> None:
    with another("encoding 'LATIN1' locale 'C'").session() as session:
        assert server.encoding(session).level == "problem"


def test_a_database_whose_sort_order_changed_under_it_is_told(
    another: Callable[[str], Database], session: Connection
) -> None:
    base = another("locale_provider builtin builtin_locale 'C.UTF-8' encoding 'UTF8'")
    execute(
        session,
        "update pg_database set datcollversion = '0' where datname = %(name)s",
        name=base.url.database,
    )
    session.commit()
    with base.session() as other:
        found = server.encoding(other)

    assert found.level == "warning"
    assert "reindex" in found.advice


def test_clocks_that_differ_are_told(session: Connection) -> None:
    found = server.clock(session, lambda: datetime.now(UTC) - timedelta(minutes=5))

    assert found.level == "warning"
    assert "300 s apart" in found.found


@pytest.mark.parametrize(("limit", "level"), [(2, "problem"), (10, "warning"), (100, "ok")])
def test_a_user_with_few_connections_is_told(
    stranger: str, on_server: Callable[[str], None], limit: int, level: str
) -> None:
    on_server(f"alter role {make_url(stranger).username} connection limit {limit}")
    with Database.connect(stranger).session() as session:
        found = server.connections_left(session)

    assert (found.level, found.found) == (level, f"{limit - 1} of {limit} connections are free")


def test_a_user_who_may_do_nothing_is_told_what_is_missing(stranger: str) -> None:
    with Database.connect(stranger).session() as session:
        database_rights, ownership, _ = server.rights(session)

    assert database_rights.level == ownership.level == "problem"
    assert "create nor temporary" in database_rights.found
    assert "schema bi" in ownership.found


def test_a_loader_has_all_the_rights_that_a_night_needs(
    warehouse_url: str, on_server: Callable[[str], None]
) -> None:
    name = f"nightly_{uuid.uuid4().hex}"
    on_server(f"create role {name} login password 'hush' in role {server.LOADER}")
    nightly = Database.connect(make_url(warehouse_url).set(username=name, password="hush"))
    with nightly.session() as session:
        findings = [*server.rights(session), *nights.examine(session, []), server.schema(nightly)]
    on_server(f"drop role {name}")

    assert [str(each) for each in findings if each.level == "problem"] == []
    assert [each.level for each in findings if each.check in ("database rights", "ownership")] == ["ok", "ok"]


def test_a_missing_analyst_role_is_told(session: Connection) -> None:
    execute(session, f"alter role {server.ANALYST} rename to someone_else")
    *_, analyst = server.rights(session)

    assert analyst.level == "warning"


def test_an_empty_database_needs_a_migration(another: Callable[..., Database]) -> None:
    found = server.schema(another())

    assert found.level == "problem"
    assert "make migrate" in found.advice


@pytest.mark.parametrize(
    ("revision", "advice"), [("0001", "make migrate"), ("9999", "the version of the code")]
)
def test_a_schema_of_another_version_is_told(warehouse: Database, revision: str, advice: str) -> None:
    with warehouse.transaction() as session:
        execute(session, "update ops.schema_versions set version_num = %(revision)s", revision=revision)
    found = server.schema(warehouse)

    assert found.level == "problem"
    assert revision in found.found
    assert advice in found.advice
