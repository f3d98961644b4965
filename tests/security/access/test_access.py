"""Each role and each view of bi, as the catalog has them: who sees what, to the row and the cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest
from access_world import lines
from owned import (
    CHARGES,
    CLOSED,
    FACTS,
    MEMBERS,
    REFERENCE,
    STAR,
    TREES,
    UNITS,
    Subtrees,
    expected,
    grant_all,
    table,
    texts,
    without_sentence,
)

if TYPE_CHECKING:
    from access_world import AccessWorld, Person
    from nightly_job import Nightly

GRANTS = {
    "one_leaf": (("cost_center", "Retail/Stores/CC-4210"),),
    "a_subtree": (("cost_center", "Retail"),),
    "a_unit": (("corporate_unit", "Group/Corporate"),),
    "three_trees": (
        ("cost_center", "Finance/Banking"),
        ("corporate_unit", "Group/Manufacturing/Plants"),
        ("location", "EMEA/Germany"),
    ),
    "overlapping": (("cost_center", "Retail"), ("cost_center", "Retail/Stores")),
    "nowhere": (("cost_center", "Reta"), ("location", "Retail/Stores"), ("cost_center", "retail")),
    "unassigned": (("cost_center", "Unassigned"),),
}


# As a BI tool asks a star: every dimension joined, so that a member that is missing would lose its charges.
BY_COST_CENTER = """
select sum(facts.recharged_cost)
from bi.fact_chargeback as facts
inner join bi.dim_date using (snapshot_date)
inner join bi.dim_license using (license_key)
inner join bi.dim_publisher using (publisher_key)
inner join bi.dim_product using (product_key)
inner join bi.dim_consumer using (consumer_key)
inner join bi.dim_host using (host_key)
inner join bi.dim_cluster using (cluster_key)
inner join bi.dim_cost_center using (cost_center_key)
inner join bi.dim_corporate_unit using (corporate_unit_key)
inner join bi.dim_location using (location_key)
where dim_cost_center.level_1 = 'Retail'
"""


@pytest.fixture(scope="module", params=GRANTS)
def owner(request: pytest.FixtureRequest, world: AccessWorld) -> tuple[Person, Subtrees]:
    """A member of chargeback_owner with the grants of one line above."""
    name = str(request.param)
    person, subtrees = world.person(f"owner_{name}", "chargeback_owner"), Subtrees(GRANTS[name])
    world.revoke(person)
    grant_all(world, person, subtrees)
    return person, subtrees


@pytest.mark.parametrize("role", ["chargeback_analyst", "chargeback_auditor", "chargeback_loader"])
def test_analysts_auditors_and_loaders_see_every_view_as_it_is(world: AccessWorld, role: str) -> None:
    person = world.person(f"a_{role}", role)

    assert world.views()
    for view in world.views():
        assert lines(person, view) == lines(world.admin, view), view
        assert lines(person, view), view


def test_wide_totals_of_an_analyst_are_those_of_the_tables_to_the_cent(world: AccessWorld) -> None:
    analyst = world.person("a_chargeback_analyst", "chargeback_analyst")
    real = world.admin.value(
        "select sum(recharged_cost) from mart.fct_chargeback where load_id in (select load_id from ops.snapshots)"
    )

    assert real > 0
    assert analyst.value("select sum(recharged_cost) from bi.chargeback") == real
    assert analyst.value("select sum(recharged_cost) from bi.snapshot") == real
    for tree in TREES:
        assert analyst.value(f"select sum(total_cost) from bi.{tree} where depth = 0") == real


def test_an_owner_sees_exactly_what_was_granted(world: AccessWorld, owner: tuple[Person, Subtrees]) -> None:
    person, subtrees = owner
    for view in world.views():
        seen = visible(person, view)
        if view == "explanation":
            sentences = {row["explanation"] for row in table(world.admin, view)}
            assert {row["explanation"] for row in seen} <= sentences
            seen = [without_sentence(row) for row in seen]
        assert texts(seen) == texts(expected(world.admin, view, subtrees)), view


def test_the_grants_of_these_tests_hold_rows_and_leave_rows_out(world: AccessWorld) -> None:
    for name, granted in GRANTS.items():
        own = expected(world.admin, "chargeback", Subtrees(granted))
        assert (len(own) == 0) == (name == "nowhere"), name
        assert len(own) < len(table(world.admin, "chargeback")), name


def test_the_star_that_an_owner_sees_is_whole(world: AccessWorld, owner: tuple[Person, Subtrees]) -> None:
    """An inner join of what the owner sees loses no fact, and no node of a tree hangs in the air."""
    person, _ = owner
    for fact in FACTS:
        rows = table(person, fact)
        for view, key in (*MEMBERS.items(), *((view, key) for view, (_, key) in UNITS.items())):
            known = {row[key] for row in table(person, view)}
            assert {row[key] for row in rows if key in row} <= known, (fact, view)
    for view, (_, key) in UNITS.items():
        nodes = table(person, view)
        assert {row[f"parent_{key}"] for row in nodes} - {None} <= {row[key] for row in nodes}, view


def test_the_grants_of_these_tests_hold_members_and_leave_members_out(world: AccessWorld) -> None:
    """Of the small dimensions each cost center of the demo tenant has all members."""
    own = Subtrees(GRANTS["one_leaf"])
    for view in ("dim_consumer", "dim_host", "dim_cost_center"):
        assert 0 < len(expected(world.admin, view, own)) < len(table(world.admin, view)), view


def test_what_an_owner_adds_up_is_the_total_of_the_granted_subtree(world: AccessWorld) -> None:
    person = world.person("owner_a_subtree", "chargeback_owner")
    world.revoke(person)
    world.grant(person, "cost_center", "Retail")
    total = world.admin.value(
        "select sum(total_cost) from bi.chargeback_by_cost_center where path = 'Retail'"
    )

    assert total > 0
    assert person.value("select sum(recharged_cost) from bi.chargeback") == total
    assert person.value(BY_COST_CENTER) == total
    assert person.value("select sum(own_cost) from bi.chargeback_by_cost_center") == total
    assert person.value("select sum(total_cost) from bi.chargeback_by_cost_center where depth = 0") == total
    assert person.value("select recharged_cost from bi.snapshot limit 1") is None


def test_an_owner_without_a_grant_sees_nothing_but_what_methods_and_reasons_mean(world: AccessWorld) -> None:
    person = world.person("owner_of_nothing", "chargeback_owner")

    assert [view for view in world.views() if visible(person, view)] == sorted(REFERENCE)


def test_a_login_without_a_role_is_refused_everywhere(world: AccessWorld) -> None:
    stranger = world.person("stranger")
    for view in world.views():
        assert "permission denied" in stranger.error(f"select * from bi.{view}")


def test_whole_licenses_hosts_clusters_and_fits_are_closed_to_owners(world: AccessWorld) -> None:
    person = world.person("owner_a_subtree", "chargeback_owner")

    assert set(world.views()) >= CLOSED
    for view in CLOSED:
        assert visible(person, view) == [], view


def test_an_auditor_reads_the_ledger_and_changes_nothing(world: AccessWorld) -> None:
    auditor = world.person("a_chargeback_auditor", "chargeback_auditor")
    ledger = _ledger(world)

    assert {"loads", "snapshots", "access_grants", "access_changes", "access_overview"} <= set(ledger)
    for name in ledger:
        assert auditor.value(f"select count(*) from ops.{name}") == world.admin.value(
            f"select count(*) from ops.{name}"
        ), name
    for schema in ("staging", "intermediate", "mart"):
        assert f"permission denied for schema {schema}" in auditor.error(f"select * from {schema}.anything")
    for forbidden in (
        "update ops.loads set status = 'failed'",
        "insert into ops.access_grants (grantee, org_id, hierarchy, path) values ('a', 'b', 'location', 'c')",
        "delete from ops.access_grants",
        "delete from ops.access_changes",
        "create table ops.mine (id integer)",
        "select ops.ensure_partitions(1, '2026-11-24')",
        "select ops.granted_units('postgres')",
    ):
        assert "permission denied" in auditor.error(forbidden), forbidden


def test_the_ledger_that_auditors_read_holds_no_secret(world: AccessWorld, nightly: Nightly) -> None:
    secrets = (nightly.simulator.settings.client_secret, "a password of the tests")
    for name in _ledger(world):
        for secret in secrets:
            held = f"select 1 from ops.{name} as line where position(%s in line::text) > 0"
            assert world.admin.rows(held, secret) == [], name


@pytest.mark.parametrize("view", [*CHARGES, *STAR])
def test_an_analyst_who_is_an_owner_as_well_still_sees_all(world: AccessWorld, view: str) -> None:
    both = world.person("both", "chargeback_analyst", "chargeback_owner")

    assert lines(both, view) == lines(world.admin, view)


def _ledger(world: AccessWorld) -> list[str]:
    """Every table and view of ops."""
    return [
        name
        for (name,) in world.admin.rows(
            "select relname from pg_class where relnamespace = 'ops'::regnamespace and relkind in ('r', 'v')"
        )
    ]


def visible(person: Person, view: str) -> list[dict[str, object]]:
    """What a person sees of a view; nothing where the person may not even ask."""
    try:
        return table(person, view)
    except psycopg2.errors.InsufficientPrivilege:
        return []
