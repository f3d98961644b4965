"""What owners may read of each dimension follows the nights that are published, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from warehouse_nights import Nights

# The same, counted anew from all that is published.
COUNTED_ANEW = """
select unit_key, member_type, member_key, count(*) as night_count
from ops.snapshots
cross join lateral ops.charged_members(snapshots.load_id, snapshots.snapshot_date) as members
group by unit_key, member_type, member_key
"""
NAMED = """
select members.member_type, named.name
from mart.unit_members as members
inner join mart.dim_organization_units as units using (unit_key)
inner join (
    select license_key as member_key, license_name as name from mart.dim_licenses
    union all
    select product_key, product_name from mart.dim_products
    union all
    select consumer_key, coalesce(device_name, user_name) from mart.dim_consumers
    union all
    select host_key, host_name from mart.dim_hosts
    union all
    select cluster_key, cluster_name from mart.dim_clusters
    union all
    select unit_key, hierarchy || ' ' || path from mart.dim_organization_units
) as named using (member_key)
where units.hierarchy = 'cost_center' and units.path = %(path)s
"""
OTHERS = {("unit", "corporate_unit Unassigned"), ("unit", "location Unassigned")}


def line(device: str, cost_center: str, **more: Any) -> dict[str, Any]:
    return {
        "device_id": device,
        "device_name": device,
        "device_cost_center": cost_center,
        "recharged_consumption": 1,
        **more,
    }


def night(snapshot_date: str, *lines: dict[str, Any]) -> dict[str, Any]:
    license_ = {"license_id": "1", "license_name": "l", "license_type": "Device", "consumed": len(lines)}
    return {"snapshot_date": snapshot_date, "licenses": [{**license_, "lines": list(lines)}]}


def names(connection: Connection, path: str) -> set[tuple[str, str]]:
    """Type and name of the members of a cost center."""
    return {(row[0], row[1]) for row in execute(connection, NAMED, path=path)}


def assert_counted(connection: Connection) -> None:
    """The table holds what is published, night by night."""
    kept = "select unit_key, member_type, member_key, night_count from mart.unit_members"
    counted = sorted(map(str, execute(connection, COUNTED_ANEW)))
    assert counted
    assert sorted(map(str, execute(connection, kept))) == counted


def test_names_of_a_charge_belong_to_its_units_and_to_no_others(
    connection: Connection, nights: Nights
) -> None:
    machine = line("d1", "A/B", host_id="h1", host_name="h", cluster_name="c")
    nights.run(
        night("2026-11-24", {**machine, "products": [{"product_name": "Database"}]}, line("d2", "A/C"))
    )

    assert names(connection, "A/B") == OTHERS | {
        *(("license", "l"), ("consumer", "d1"), ("host", "h"), ("cluster", "c"), ("product", "Database")),
        *(("unit", "cost_center A/B"), ("unit", "cost_center A")),
    }
    assert ("consumer", "d2") in names(connection, "A/C")
    assert not names(connection, "A/C") & {("consumer", "d1"), ("host", "h"), ("unit", "cost_center A/B")}
    assert names(connection, "A") == set()


def test_a_host_is_read_by_the_name_that_its_machines_have_it_by(
    connection: Connection, nights: Nights
) -> None:
    """A level has its host's name from the last row on it, which may be somebody else's."""
    nights.run(
        night(
            "2026-11-24",
            line("d1", "A", host_id="h1", host_name="old"),
            line("d2", "B", host_id="h1", host_name="new"),
        )
    )

    level = execute(
        connection,
        "select host_name from bi.vm_consumption where device_id = 'd1'",
    ).scalar_one()
    assert {("host", "old"), ("host", level)} <= names(connection, "A")


def test_a_load_that_is_not_published_tells_its_owners_nothing(
    connection: Connection, nights: Nights
) -> None:
    nights.run(night("2026-11-24", line("d1", "A")))
    before = names(connection, "A")
    broken = night("2026-11-25", line("secret", "A"), line("d1", "A"))
    assert nights.run({**broken, "sabotage_star": ["delete from mart.fct_unit_totals"]})

    assert names(connection, "A") == before
    assert_counted(connection)


def test_a_member_leaves_with_the_last_night_that_names_it(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24", line("d1", "A"), line("d2", "A")))
    nights.run(night("2026-11-25", line("d1", "A"), line("d2", "A")))
    nights.run(night("2026-11-25", line("d1", "A"), line("d2", "B")))
    assert ("consumer", "d2") in names(connection, "A") & names(connection, "B")
    assert_counted(connection)

    nights.run(night("2026-11-24", line("d1", "A"), line("d2", "B")))
    assert ("consumer", "d2") not in names(connection, "A")
    assert ("consumer", "d1") in names(connection, "A")
    assert_counted(connection)

    execute(connection, "delete from ops.snapshots where snapshot_date = '2026-11-24'")
    assert_counted(connection)

    execute(connection, "delete from ops.snapshots")
    assert execute(connection, "select count(*) from mart.unit_members").scalar_one() == 0


def test_a_night_that_is_published_again_as_it_is_changes_nothing(
    connection: Connection, nights: Nights
) -> None:
    nights.run(night("2026-11-24", line("d1", "A")))
    rows = "select ctid::text, xmin::text, member_key from mart.unit_members order by 1"
    before = execute(connection, rows).all()

    nights.run(night("2026-11-24", line("d1", "A")))

    assert execute(connection, rows).all() == before
