"""What bi shows of each dimension follows the nights that are published: all that their facts name, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from warehouse_nights import Nights

# Each dimension with its key, and the facts that name it by a column of the same name.
NAMED_BY = {
    "license": ("fact_license_position", "fact_chargeback", "fact_product_use"),
    "publisher": ("fact_license_position", "fact_chargeback"),
    "product": ("fact_license_position", "fact_chargeback", "fact_product_use"),
    "consumer": ("fact_chargeback", "fact_vm_consumption", "fact_product_use"),
    "host": ("fact_chargeback", "fact_vm_consumption", "fact_host_consumption"),
    "cluster": (
        *("fact_chargeback", "fact_vm_consumption"),
        *("fact_host_consumption", "fact_cluster_consumption"),
    ),
}
TREES = ("cost_center", "corporate_unit", "location")
UNITS_WITH_TOTALS = """
select units.unit_key::text
from mart.dim_organization_units as units
where
    units.hierarchy = %(tree)s
    and exists (
        select 1
        from mart.fct_unit_totals as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.unit_key = units.unit_key
    )
"""
NO_HOST_NO_CLUSTER = """
select no_host_key::text from ops.snapshots
union
select no_cluster_key::text from ops.snapshots
"""


def line(device: str, cost_center: str, **more: Any) -> dict[str, Any]:
    return {"device_id": device, "device_cost_center": cost_center, "recharged_consumption": 1, **more}


def night(snapshot_date: str, *lines: dict[str, Any], license_name: str = "l") -> dict[str, Any]:
    license_ = {"license_id": "1", "license_name": license_name, "publisher": f"of {license_name}"}
    return {
        "snapshot_date": snapshot_date,
        "licenses": [{**license_, "license_type": "Device", "consumed": len(lines), "lines": list(lines)}],
    }


MACHINE = line(
    "d1", "A/B", host_id="h1", host_name="h", cluster_name="c", products=[{"product_name": "Database"}]
)
MOVED = line(
    "d1", "A/C", host_id="h2", host_name="h2", cluster_name="c2", products=[{"product_name": "Other"}]
)


def texts(connection: Connection, statement: str, **values: object) -> set[str]:
    return {str(row[0]) for row in execute(connection, statement, **values)}


def shown(connection: Connection, dimension: str) -> set[str]:
    return texts(connection, f"select {dimension}_key from bi.dim_{dimension}")


def assert_shown(connection: Connection) -> int:
    """Every dimension shows what published facts name; returns how many rows that are."""
    unassigned = texts(connection, NO_HOST_NO_CLUSTER)
    count = 0
    for dimension, facts in NAMED_BY.items():
        named = set().union(*(texts(connection, f"select {dimension}_key from bi.{fact}") for fact in facts))
        found = shown(connection, dimension)
        assert found - unassigned == named - unassigned, dimension
        count += len(found)
    for tree in TREES:
        found = shown(connection, tree)
        assert found == texts(connection, UNITS_WITH_TOTALS, tree=tree), tree
        count += len(found)
    return count


def test_what_a_night_names_is_shown_with_it(connection: Connection, nights: Nights) -> None:
    assert assert_shown(connection) == 0

    nights.run(night("2026-11-24", MACHINE))
    first = assert_shown(connection)
    nights.run(night("2026-11-25", MOVED, license_name="renamed"))

    assert 0 < first < assert_shown(connection)


def test_what_only_a_replaced_night_named_is_shown_no_more(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24", MACHINE))
    before = {dimension: shown(connection, dimension) for dimension in (*NAMED_BY, *TREES)}
    nights.run(night("2026-11-25", MOVED, license_name="renamed"))
    nights.run(night("2026-11-25", MACHINE))

    assert_shown(connection)
    assert {dimension: shown(connection, dimension) for dimension in before} == before


def test_what_another_night_names_stays(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24", MACHINE))
    nights.run(night("2026-11-25", MACHINE))
    both = assert_shown(connection)
    nights.run(night("2026-11-25", MOVED))
    assert assert_shown(connection) > both

    execute(connection, "delete from ops.snapshots where snapshot_date = '2026-11-25'")
    assert assert_shown(connection) == both

    execute(connection, "delete from ops.snapshots")
    assert assert_shown(connection) == 0


def test_what_a_refused_load_names_is_not_shown(connection: Connection, nights: Nights) -> None:
    nights.run(night("2026-11-24", MACHINE))
    before = assert_shown(connection)
    sabotage = "delete from mart.fct_unit_totals where snapshot_date = '2026-11-25'"
    refused = {**night("2026-11-25", MOVED), "sabotage_star": [sabotage]}
    assert nights.run(refused)

    assert assert_shown(connection) == before


def test_a_night_without_hosts_has_the_one_that_stands_for_none(
    connection: Connection, nights: Nights
) -> None:
    nights.run(night("2026-11-24", line("d1", "A")))

    rows = execute(
        connection,
        """
        select dim_host.host_name, dim_host.host_id, dim_cluster.cluster_name
        from bi.fact_chargeback
        inner join bi.dim_host using (host_key)
        inner join bi.dim_cluster using (cluster_key)
        """,
    ).all()
    assert [tuple(row) for row in rows] == [("Unassigned", None, "Unassigned")]
    assert_shown(connection)
