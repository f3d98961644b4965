"""The table of grants: what it takes, what it refuses, when it counts, and who can tell afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest
from access_world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from access_world import AccessWorld, Person

COUNT = "select count(*) from bi.chargeback"


@pytest.fixture
def owner(world: AccessWorld) -> Iterator[Person]:
    person = world.person("owner_to_be", "chargeback_owner")
    world.revoke(person)
    yield person
    world.revoke(person)


def test_a_grant_counts_at_once_and_so_does_its_end_in_a_session_that_is_open(
    world: AccessWorld, owner: Person
) -> None:
    with owner.session() as cursor:
        cursor.execute(f"prepare counted as {COUNT}")
        counts = []
        for change in (None, world.grant, None, world.revoke, None):
            if change == world.grant:
                world.grant(owner, "cost_center", "Retail")
            elif change == world.revoke:
                world.revoke(owner)
            cursor.execute("execute counted")
            counts += cursor.fetchone()
    before, granted, still, revoked, after = counts
    assert (before, revoked, after) == (0, 0, 0)
    assert granted == still > 0


def test_a_grant_to_a_group_is_for_its_members_while_they_are(world: AccessWorld, owner: Person) -> None:
    group = world.group("controllers")
    world.grant(group, "cost_center", "Retail")
    assert owner.value(COUNT) == 0

    world.admin.run(f"grant {group} to {owner.name}")
    assert owner.value(COUNT) > 0

    world.admin.run(f"revoke {group} from {owner.name}")
    assert owner.value(COUNT) == 0


def test_grants_add_up(world: AccessWorld, owner: Person) -> None:
    world.grant(owner, "cost_center", "Retail/Stores")
    stores = owner.value(COUNT)
    world.grant(owner, "cost_center", "Finance/Banking")
    both = owner.value(COUNT)
    world.admin.run("delete from ops.access_grants where grantee = %s and path = 'Retail/Stores'", owner.name)

    assert 0 < stores < both == stores + owner.value(COUNT)


def test_a_grant_in_another_organization_opens_nothing_here(world: AccessWorld, owner: Person) -> None:
    world.grant(owner, "cost_center", "Retail", org_id="another")

    assert owner.value(COUNT) == 0
    assert owner.value("select count(*) from bi.snapshot") == 0


def test_a_grant_without_the_role_opens_nothing(world: AccessWorld) -> None:
    stranger = world.person("stranger_with_a_grant")
    world.grant(stranger, "cost_center", "Retail")

    assert "permission denied" in stranger.error(COUNT)


def test_a_path_is_a_name_and_not_a_pattern(world: AccessWorld, owner: Person) -> None:
    """A matches A and A/B, and neither AB nor what a wildcard would."""
    paths = ("T", "T/x", "T/x/y", "TT", "T%", "T_", "T%/z", "t", "Tx/T", "R&D (old)", "R&D (old)/a\\b")
    for path in paths:
        world.admin.run(
            "insert into mart.dim_organization_units (unit_key, org_id, hierarchy, path, name, depth, level_1) "
            "select mart.organization_unit_key('units', 'location', %s), 'units', 'location', %s, 'n', 0, %s",
            path,
            path,
            path,
        )
    found = {}
    for granted in paths:
        world.revoke(owner)
        world.grant(owner, "location", granted, org_id="units")
        found[granted] = {
            path
            for (path,) in world.admin.rows(
                "select path from mart.dim_organization_units where unit_key in (select ops.granted_units(%s))",
                owner.name,
            )
        }
    world.admin.run("delete from mart.dim_organization_units where org_id = 'units'")

    assert found["T"] == {"T", "T/x", "T/x/y"}
    assert found["T/x"] == {"T/x", "T/x/y"}
    assert found["T%"] == {"T%", "T%/z"}
    assert found["R&D (old)"] == {"R&D (old)", "R&D (old)/a\\b"}
    assert {each: found[each] for each in ("TT", "T_", "t", "Tx/T")} == {
        each: {each} for each in ("TT", "T_", "t", "Tx/T")
    }


@pytest.mark.parametrize(
    ("hierarchy", "path"),
    [
        ("country", "EMEA"),
        ("cost_center", ""),
        ("cost_center", " "),
        ("cost_center", "/"),
        ("cost_center", "Retail/"),
        ("cost_center", "/Retail"),
        ("cost_center", "Retail / Stores"),
        (None, "Retail"),
        ("cost_center", None),
    ],
)
def test_what_cannot_be_a_subtree_is_refused(
    world: AccessWorld, owner: Person, hierarchy: str | None, path: str | None
) -> None:
    with pytest.raises(psycopg2.IntegrityError):
        world.grant(owner, hierarchy, path)  # type: ignore[arg-type]


def test_a_grant_to_nobody_is_refused_with_a_reason(world: AccessWorld) -> None:
    with pytest.raises(psycopg2.errors.ForeignKeyViolation, match="There is no role nobody_here"):
        world.grant("nobody_here", "cost_center", "Retail")


def test_the_database_says_who_granted_and_keeps_every_change(world: AccessWorld, owner: Person) -> None:
    clerk = world.person("clerk")
    world.admin.run(f"grant usage on schema ops to {clerk.name}")
    world.admin.run(f"grant select, insert, update, delete on ops.access_grants to {clerk.name}")

    clerk.run(
        "insert into ops.access_grants (grantee, org_id, hierarchy, path, note, granted_by, granted_at) "
        "values (%s, '12345', 'location', 'EMEA', 'ticket 7', 'somebody else', '2001-01-01')",
        owner.name,
    )
    clerk.run("update ops.access_grants set path = 'APAC' where grantee = %s", owner.name)
    clerk.run("update ops.access_grants set note = 'ticket 8' where grantee = %s", owner.name)
    clerk.run("delete from ops.access_grants where grantee = %s", owner.name)

    assert "permission denied" in clerk.error("delete from ops.access_changes")
    assert world.admin.rows(
        "select changed_by, change, path, note from ops.access_changes "
        "where grantee = %s and changed_by <> session_user order by change_id",
        owner.name,
    ) == [
        (clerk.name, "granted", "EMEA", "ticket 7"),
        (clerk.name, "revoked", "EMEA", "ticket 7"),
        (clerk.name, "granted", "APAC", "ticket 7"),
        (clerk.name, "changed", "APAC", "ticket 8"),
        (clerk.name, "revoked", "APAC", "ticket 8"),
    ]


def test_the_overview_tells_slips_and_readers(world: AccessWorld, owner: Person) -> None:
    world.grant(owner, "cost_center", "Retail")
    world.grant(owner, "cost_center", "Retial")

    found = world.admin.rows(
        "select path, unit_count > 0, readers from ops.access_overview where grantee = %s order by path",
        owner.name,
    )

    assert found == [("Retail", True, [owner.name]), ("Retial", False, [owner.name])]


def test_no_password_stands_in_the_ledger(world: AccessWorld) -> None:
    assert (
        world.admin.rows("select 1 from ops.access_changes as c where position(%s in c::text) > 0", PASSWORD)
        == []
    )
