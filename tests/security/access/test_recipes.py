"""The recipes of docs/access.md, as an administrator runs them from top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from access_world import Person
from pages import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from access_world import AccessWorld

PEOPLE = ("maria", "anna", "paul", "petra", "clerk", "nightly")
COUNT = "select count(*) from bi.chargeback"


def recipe(words: str) -> str:
    """The one block of SQL of the page that has these words in it."""
    [found] = [block for block in blocks("docs/access.md", "sql") if words in block]
    return found


@pytest.fixture(scope="module")
def people(world: AccessWorld) -> Iterator[dict[str, Person]]:
    """Those whom the recipes create, after all of them that give something."""
    given = [block for block in blocks("docs/access.md", "sql") if "create role" in block]
    for block in given:
        world.admin.run(block)
    yield {name: Person(name, world.url.set(username=name, password="choose-one")) for name in PEOPLE}
    world.admin.run("delete from ops.access_grants where grantee in ('paul', 'store_controllers')")
    for name in (*PEOPLE, "store_controllers"):
        world.admin.run(f"drop owned by {name} cascade; drop role {name}")


def test_each_person_sees_what_the_recipe_promises(world: AccessWorld, people: dict[str, Person]) -> None:
    every = world.admin.value(COUNT)
    of = "select count(*) from bi.chargeback where {0} = %s or starts_with({0}, %s)"

    assert people["maria"].value(COUNT) == people["anna"].value(COUNT) == every
    assert people["anna"].value("select count(*) from ops.access_grants") > 0
    assert 0 < people["paul"].value(COUNT) < every
    assert people["paul"].value(COUNT) == world.admin.value(
        of.format("cost_center"), "Retail/Stores", "Retail/Stores/"
    )
    assert people["petra"].value(COUNT) == world.admin.value(
        of.format("location"), "EMEA/Germany", "EMEA/Germany/"
    )
    assert "permission denied" in people["clerk"].error(COUNT)
    people["nightly"].run("select ops.ensure_partitions(4711, '2026-05-31')")


def test_the_check_tells_units_readers_and_who_granted(world: AccessWorld, people: dict[str, Person]) -> None:
    overview, changes = (f"{each};" for each in recipe("access_overview order by").strip().split(";\n"))
    found = {row[0]: row for row in world.admin.rows(overview)}

    assert found["paul"][3] > 1
    assert [found[each][4] for each in ("paul", "store_controllers")] == [["paul"], ["petra"]]
    assert {("granted", "paul"), ("granted", "store_controllers")} <= {
        (row[2], row[3]) for row in world.admin.rows(changes)
    }
    people["clerk"].rows(overview)


def test_a_grant_of_which_the_newest_night_knows_nothing_is_found(
    world: AccessWorld, people: dict[str, Person]
) -> None:
    moved = ("paul", world.org_id, "cost_center", "Retail/Moved away")
    asked = recipe("newest.snapshot_date desc")

    world.admin.run(
        "insert into ops.access_grants (grantee, org_id, hierarchy, path) values (%s, %s, %s, %s)", *moved
    )
    found = [row for row in world.admin.rows(asked) if row[0] in people]
    world.admin.run("delete from ops.access_grants where path = %s", moved[-1])

    assert found == [moved]


def test_a_grant_that_is_revoked_ends(world: AccessWorld, people: dict[str, Person]) -> None:
    world.admin.run(recipe("delete from ops.access_grants"))

    assert people["paul"].value(COUNT) == 0
