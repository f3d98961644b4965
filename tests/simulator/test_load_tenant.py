"""The load tenant's rows and its totals in closed form."""

from __future__ import annotations

from decimal import Decimal

from flexera_simulator.load_tenant import LoadTenant


def test_served_rows_agree_with_the_totals(call):
    caller = call(licenses=7, rows=1_234, page_size=100)
    totals = caller.simulator.totals()
    rows = {str(found["id"]): caller.rows(found["id"]) for found in caller.licenses()}
    assert sum(map(len, rows.values())) == totals["row_count"] == 1_234
    for license_id, found in rows.items():
        figures = totals["licenses"][license_id]
        assert len(found) == figures["row_count"]
        assert sum(row["chargeback"]["consumption"] for row in found) == Decimal(
            figures["recharged_consumption"]
        )
        assert sum(row["chargeback"]["cost"] for row in found) == Decimal(figures["recharged_cost"])


def test_every_license_consumes_what_its_rows_recharge(call):
    caller = call(licenses=6, rows=600)
    for found in caller.licenses():
        shared = sum(row["chargeback"]["consumption"] for row in caller.rows(found["id"]))
        assert shared == found["compliance"]["consumedEntitlementCount"]


def test_hosts_and_clusters_are_shared_out_completely(call):
    found = call(licenses=1, rows=100).rows(500001)
    for part, figure in (("host", "hostConsumption"), ("cluster", None)):
        ids = {row[part]["id"] for row in found}
        assert len(ids) > 1
        for part_id in ids:
            members = [row for row in found if row[part]["id"] == part_id]
            expected = members[0][figure] if figure else members[0][part]["consumingCores"]
            assert sum(row["chargeback"]["consumption"] for row in members) == expected


def test_any_page_of_a_million_rows_is_reached_at_once(caller):
    from datetime import date

    tenant, day = LoadTenant(2_000, 1_000_000, 1), date(2026, 11, 24)
    assert tenant.totals(day)["row_count"] == 1_000_000
    count = tenant.row_count(day, "500001")
    assert count is not None
    assert count > 100_000
    assert len(list(tenant.row_bodies(day, "500001", count - 10, 500))) == 10
