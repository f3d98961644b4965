"""All dimensions of a night's charges in one query: no plan goes through a table once for every charge."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from many_nights import LAST_DATE, ORG_ID, fill

from asked_queries import whole_star
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

NIGHTS = 2
ROWS = 20_000
# How many rows a step of a plan may see for a charge: 80 products in memory may be, 400 hosts may not.
ROWS_PER_CHARGE = 100
# By how much the planner may take the charges that are joined to everything for fewer than they are.
FACTOR = 200


@pytest.fixture(scope="module")
def database(module_warehouse_url: str) -> Database:
    """Nights of a tenant with hundreds of hosts, and what owners may see of them."""
    database = Database.connect(module_warehouse_url)
    fill(database, NIGHTS, ROWS)
    with database.transaction() as connection:
        execute(
            connection,
            """
            insert into mart.unit_members (unit_key, member_type, member_key, night_count)
            select members.unit_key, members.member_type, members.member_key, count(*)
            from ops.snapshots
            cross join lateral ops.charged_members(snapshots.load_id, snapshots.snapshot_date) as members
            group by members.unit_key, members.member_type, members.member_key
            """,
        )
    return database


@pytest.fixture
def owner(database: Database, on_server: Callable[[str], None]) -> Iterator[str]:
    """Who was granted a sixth of all cost centers."""
    name = f"owner_{uuid.uuid4().hex}"
    on_server(f"create role {name} in role chargeback_owner")
    with database.transaction() as connection:
        execute(
            connection,
            "insert into ops.access_grants (grantee, org_id, hierarchy, path) "
            "values (%(name)s, %(org_id)s, 'cost_center', 'Division 1')",
            name=name,
            org_id=ORG_ID,
        )
    yield name
    on_server(f"drop role {name}")


def test_an_analyst_joins_all_dimensions_in_one_pass(database: Database) -> None:
    assert_one_pass(database, "chargeback_analyst", ROWS)


def test_an_owner_joins_all_dimensions_in_one_pass(database: Database, owner: str) -> None:
    with database.transaction() as connection:
        [own] = execute(
            connection,
            "select count(*) from bi.chargeback "
            "where snapshot_date = %(night)s and starts_with(cost_center, 'Division 1/')",
            night=LAST_DATE,
        ).scalars()

    assert 0 < own < ROWS / 2
    assert_one_pass(database, owner, own)


def assert_one_pass(database: Database, reader: str, charge_count: int) -> None:
    """Every charge finds a row of each dimension, and no step of the plan goes through a large one for each charge."""
    with database.transaction() as connection:
        execute(connection, f"set local role {reader}")
        answer = execute(connection, whole_star(LAST_DATE)).all()
        nodes = plan(connection, f"explain (analyze, format json) {whole_star(LAST_DATE)}")

    assert sum(row.charge_count for row in answer) == charge_count
    assert any(row.host_name == "Unassigned" for row in answer)
    assert any(row.host_name != "Unassigned" for row in answer)
    assert {
        node["Node Type"]: seen(node) for node in nodes if seen(node) > charge_count * ROWS_PER_CHARGE
    } == {}
    joined = next(node for node in nodes if node["Node Type"] in ("Hash Join", "Nested Loop", "Merge Join"))
    assert joined["Actual Rows"] == charge_count
    assert joined["Plan Rows"] * FACTOR > charge_count


def plan(connection: Connection, statement: str) -> list[dict[str, Any]]:
    """All nodes of a plan, those above before those below."""

    def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for below in node.get("Plans", ()):
            yield from nodes(below)

    return list(nodes(execute(connection, statement).scalar_one()[0]["Plan"]))


def seen(node: dict[str, Any]) -> float:
    """How many rows a node gave or left out, over all its loops."""
    rows = node["Actual Rows"] + sum(node[each] for each in node if each.startswith("Rows Removed"))
    return float(rows * node["Actual Loops"])
