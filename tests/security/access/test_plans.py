"""What protection costs: analysts nothing. Their plans are those of somebody whom no protection holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from access_world import AccessWorld

LATEST = "snapshot_date = (select max(snapshot_date) from bi.snapshot)"
QUERIES = (
    "select sum(recharged_cost) from bi.chargeback",
    f"select cost_center, sum(recharged_cost) from bi.chargeback where {LATEST} group by cost_center",
    "select * from bi.chargeback where license_id = '41202' and snapshot_date = current_date",
    "select * from bi.chargeback where cost_center = 'Retail/Stores/CC-4210' and snapshot_date = current_date",
    "select * from bi.chargeback where cost_center >= 'Retail/' and cost_center < 'Retail0'",
    "select publisher, sum(recharged_cost) from bi.chargeback_current where publisher = 'Oracle' group by publisher",
    "select device_name, sum(recharged_cost) from bi.chargeback_current group by device_name order by 2 desc limit 10",
    "select path, sum(total_cost) from bi.chargeback_by_cost_center where depth <= 1 group by path",
    "select license_name, residue from bi.license_position where residue_reason = 'unexplained'",
    "select * from bi.explanation where cost_center = 'Retail/Stores/CC-4210'",
    "select host_name, sum(recharged_cost) from bi.host_consumption group by host_name",
    "select snapshot_date, sum(recharged_cost) from bi.chargeback group by snapshot_date order by snapshot_date",
    "select * from bi.dim_consumer",
    "select * from bi.dim_license",
    (
        "select level_2, sum(recharged_cost) from bi.fact_chargeback "
        f"inner join bi.dim_cost_center using (cost_center_key) where {LATEST} group by level_2"
    ),
    (
        "select host_name, sum(consumption) from bi.fact_vm_consumption inner join bi.dim_host using (host_key) "
        "where snapshot_date = current_date group by host_name"
    ),
    (
        "select product_name, count(*) from bi.fact_product_use inner join bi.dim_product using (product_key) "
        "group by product_name"
    ),
)
MEMBERS = ("license", "product", "consumer", "host", "cluster")


@pytest.mark.parametrize("query", QUERIES)
def test_the_plan_of_an_analyst_is_that_of_the_administrator(world: AccessWorld, query: str) -> None:
    world.admin.run("analyze")
    analyst = world.person("a_chargeback_analyst", "chargeback_analyst")
    shape = "(costs off, verbose)"

    assert analyst.plan(query, options=shape) == world.admin.plan(query, options=shape)


def test_the_plan_of_an_owner_asks_for_the_grants(world: AccessWorld) -> None:
    owner = world.person("owner_of_nothing", "chargeback_owner")

    assert "granted_units" in "\n".join(owner.plan(QUERIES[0], options="(verbose)"))


@pytest.mark.parametrize("dimension", MEMBERS)
def test_no_fact_is_looked_at_for_the_members_that_an_owner_sees(world: AccessWorld, dimension: str) -> None:
    """However many nights there are: what an owner may see was counted when they were published."""
    owner = world.person("owner_of_a_tree", "chargeback_owner")
    world.revoke(owner)
    world.grant(owner, "cost_center", "Retail")
    world.admin.run("analyze")
    plan = owner.plan(f"select * from bi.dim_{dimension}", options="(analyze, costs off, timing off)")

    scans = [line for line in plan if re.search(r"Scan .*on fct_", line)]
    assert owner.value(f"select count(*) from bi.dim_{dimension}") > 0
    assert [line for line in scans if "never executed" not in line] == []
    assert "granted_units" not in "\n".join(plan)
