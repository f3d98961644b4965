"""Tables and views that a later migration adds are covered without anybody thinking of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest
from access_world import AccessWorld, Person, access_world

from chargeback.warehouse import migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATER = """
create table mart.fct_later (unit_key uuid, cost numeric);
insert into mart.fct_later select mart.organization_unit_key('1', 'cost_center', 'A'), 7;
insert into mart.dim_organization_units (unit_key, org_id, hierarchy, path, name, depth, level_1)
values (mart.organization_unit_key('1', 'cost_center', 'A'), '1', 'cost_center', 'A', 'A', 0, 'A');
insert into ops.request_budgets (budget_id) values ('a budget');
create view bi.later as select cost from mart.fct_later;
create view bi.ledger as select budget_id from ops.request_budgets;
create materialized view mart.sum_later as select sum(cost) as cost from mart.fct_later;
create view bi.added_up as select cost from mart.sum_later;
create table bi.given (cost numeric);
insert into bi.given values (7);
create function mart.secret_cost() returns numeric language sql security definer
as 'select sum(cost) from mart.fct_later';
create view bi.called as select mart.secret_cost() as cost;
create view mart.between as select cost from mart.fct_later;
create view bi.two_deep as select cost from mart.between;
"""
ADDED = ("later", "ledger", "added_up", "given", "called", "two_deep")


@pytest.fixture(scope="module")
def later(
    postgres_url: str, warehouse_template: str, on_server: Callable[[str], None]
) -> Iterator[AccessWorld]:
    """A warehouse in which a later version added tables and views, and said nothing of who may see them."""
    with access_world(postgres_url, warehouse_template, on_server) as world:
        world.admin.run(LATER)
        assert migrations.upgrade(world.url) == []
        owner = world.person("owner", "chargeback_owner")
        world.grant(owner, "cost_center", "A", org_id="1")
        yield world


@pytest.mark.parametrize("role", ["chargeback_analyst", "chargeback_auditor", "chargeback_loader"])
@pytest.mark.parametrize("view", ADDED)
def test_those_who_see_all_see_it(later: AccessWorld, role: str, view: str) -> None:
    assert len(later.person(f"a_{role}", role).rows(f"select * from bi.{view}")) == 1


@pytest.mark.parametrize("view", ADDED)
def test_owners_see_nothing_of_it(later: AccessWorld, view: str) -> None:
    assert seen(later.person("owner"), view) == []


def test_one_rule_opens_it_to_owners_and_its_end_closes_it(later: AccessWorld) -> None:
    owner = later.person("owner")
    later.admin.run(
        "insert into ops.access_rules (table_name, owner_condition, reason) "
        "values ('mart.fct_later', 'unit_key in (select ops.granted_units(current_user))', 'test')"
    )
    migrations.upgrade(later.url)
    assert [seen(owner, view) for view in ("later", "two_deep", "added_up", "called")] == [
        [(7,)],
        [(7,)],
        [],
        [],
    ]

    later.admin.run("delete from ops.access_rules where table_name = 'mart.fct_later'")
    migrations.upgrade(later.url)
    assert [seen(owner, view) for view in ("later", "two_deep")] == [[], []]


def test_a_view_that_was_replaced_is_protected_again(later: AccessWorld) -> None:
    later.admin.run(
        "create or replace view bi.two_deep with (security_invoker = false) as select cost from mart.between"
    )
    later.admin.run(
        "grant select on bi.later, mart.fct_later to public; grant usage on schema mart to public"
    )
    migrations.upgrade(later.url)

    stranger = later.person("stranger")
    assert seen(later.person("owner"), "two_deep") == []
    assert "permission denied" in stranger.error("select * from bi.later")
    assert "permission denied" in stranger.error("select * from mart.fct_later")


def test_a_partition_is_made_without_the_rights_that_new_tables_come_with(later: AccessWorld) -> None:
    """A partition has no policies of its own, and pg_stats shows the values of what one has a right to."""
    later.admin.run("alter default privileges grant select on tables to public, chargeback_owner")

    later.person("nightly", "chargeback_loader").run("select ops.ensure_partitions(7, '2031-05-01')")

    of_partitions = "from pg_class where relispartition and relkind = 'r' and relname ~ '_(load_7|2031_05)$'"
    assert later.admin.value(f"select count(*) {of_partitions}") > 10
    for reader in (later.person("owner"), later.person("stranger")):
        assert (
            later.admin.rows(
                f"select relname {of_partitions} and has_any_column_privilege(%s, oid, 'select')", reader.name
            )
            == []
        ), reader


def test_applying_the_rules_again_waits_for_no_reader(later: AccessWorld) -> None:
    with later.admin.session() as reader:
        reader.execute("begin")
        reader.execute("select * from bi.chargeback; select * from bi.later")
        later.admin.run("set lock_timeout = '2s'; select * from ops.apply_access()")
        reader.execute("rollback")


def seen(person: Person, view: str) -> list[tuple[object, ...]]:
    try:
        return person.rows(f"select * from bi.{view}")
    except psycopg2.errors.InsufficientPrivilege:
        return []
