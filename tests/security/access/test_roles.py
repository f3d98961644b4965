"""A user who may not create roles can still migrate, is told what an administrator runs, and leaves nothing open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from access_world import Person
from sqlalchemy.engine import make_url

from chargeback.warehouse import migrations
from local_runtime.postgres import PostgresServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = ("chargeback_loader", "chargeback_analyst", "chargeback_owner", "chargeback_auditor")


@pytest.fixture
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """The superuser of a server of its own, on which no role of ours exists yet."""
    folder = Path(tmp_path_factory.mktemp("postgres"))
    with PostgresServer(folder, {"fsync": "off"}, port=free_port()) as server:
        yield Person("postgres", make_url(server.url()).set(drivername="postgresql+psycopg2"))


@pytest.fixture
def plain(admin: Person) -> Person:
    """A user who owns the database, and no more."""
    admin.run("create role plain login password 'plain'")
    admin.run("create database warehouse owner plain")
    return Person("plain", admin.url.set(username="plain", password="plain", database="warehouse"))


def test_without_roles_nothing_is_open_and_an_administrator_is_told_what_to_run(
    admin: Person, plain: Person
) -> None:
    told = migrations.upgrade(plain.url)
    assert [each for each in ROLES if any(f'"create role {each} nologin"' in line for line in told)] == list(
        ROLES
    )
    assert plain.value(
        "select bool_and(relrowsecurity) from pg_class where oid = 'mart.fct_chargeback'::regclass"
    )

    admin.run("create role early login password 'early'")
    early = Person("early", plain.url.set(username="early", password="early"))
    assert "permission denied" in early.error("select * from bi.chargeback")

    for role in ROLES:
        admin.run(f"create role {role} nologin")
    admin.run("grant chargeback_analyst to early")
    assert "permission denied" in early.error("select * from bi.chargeback")

    assert migrations.upgrade(plain.url) == []
    assert early.rows("select * from bi.chargeback") == []
    assert plain.value("select count(*) from pg_policy where polname = 'chargeback_owner'") > 5


def test_a_user_who_may_create_roles_creates_all_four(admin: Person, plain: Person) -> None:
    admin.run("alter role plain createrole")

    assert migrations.upgrade(plain.url) == []
    assert (
        plain.value("select count(*) from pg_roles where rolname = any(%s) and not rolcanlogin", list(ROLES))
        == 4
    )


@pytest.mark.parametrize(
    "mistake",
    [
        "alter role chargeback_owner bypassrls",
        "alter role chargeback_owner superuser",
        "grant chargeback_analyst to chargeback_owner",
        "grant chargeback_loader to chargeback_owner",
    ],
)
def test_a_role_that_would_see_too_much_is_given_nothing(admin: Person, plain: Person, mistake: str) -> None:
    for role in ROLES:
        admin.run(f"create role {role} nologin")
    migrations.upgrade(plain.url)
    admin.run(mistake)

    [told] = migrations.upgrade(plain.url)

    assert told.startswith("Role chargeback_owner was given nothing")
    assert plain.rows("select 1 from pg_class where relacl::text like '%%chargeback_owner=%%'") == []
    assert plain.rows("select 1 from pg_attribute where attacl::text like '%%chargeback_owner=%%'") == []


def test_names_that_were_sampled_before_are_forgotten(admin: Person, plain: Person) -> None:
    admin.run("alter role plain createrole")
    migrations.upgrade(plain.url)
    plain.run(
        "alter table mart.dim_hosts alter column host_name set statistics 100; "
        "insert into mart.dim_hosts select gen_random_uuid(), '1', 'id:' || n, n::text, 'host ' || n "
        "from generate_series(1, 50) as n; "
        "analyze mart.dim_hosts"
    )
    known = "select count(*) from pg_stats where tablename = 'dim_hosts' and attname = 'host_name'"
    assert plain.value(known) == 1

    told = migrations.upgrade(plain.url)

    plain.run("analyze mart.dim_hosts")
    is_new = plain.value("select current_setting('server_version_num')::integer >= 180000")
    assert (plain.value(known), told) == (0, []) if is_new else told
