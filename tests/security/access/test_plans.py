"""What protection costs: analysts nothing. Their plans are those of somebody whom no protection holds."""

from __future__ import annotations

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
)


@pytest.mark.parametrize("query", QUERIES)
def test_the_plan_of_an_analyst_is_that_of_the_administrator(world: AccessWorld, query: str) -> None:
    world.admin.run("analyze")
    analyst = world.person("a_chargeback_analyst", "chargeback_analyst")
    shape = "(costs off, verbose)"

    assert analyst.plan(query, options=shape) == world.admin.plan(query, options=shape)


def test_the_plan_of_an_owner_asks_for_the_grants(world: AccessWorld) -> None:
    owner = world.person("owner_of_nothing", "chargeback_owner")

    assert "granted_units" in "\n".join(owner.plan(QUERIES[0], options="(verbose)"))
