"""The demo tenant's figures, read over HTTP and held against the rules of each license type."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import pytest

from flexera_simulator.testing import running_simulator

CENT = Decimal("0.01")
GAPS = {"IBM PVU", "CAL Legacy", "SAP Package", "Custom Metric"}


@pytest.fixture(scope="module")
def licenses(caller):
    return {str(found["id"]): found for found in caller.licenses()}


@pytest.fixture(scope="module")
def rows(caller, licenses):
    return {license_id: caller.rows(license_id) for license_id in licenses}


@pytest.fixture(scope="module")
def totals(demo):
    return demo.totals()


def recharged(found):
    return sum((row["chargeback"]["consumption"] for row in found), Decimal(0))


def cost_of(found):
    return sum((row["chargeback"]["cost"] or Decimal(0) for row in found), Decimal(0))


def named(licenses, name):
    return next(license_id for license_id, found in licenses.items() if found["name"] == name)


def test_there_are_sixty_licenses_of_many_types_and_eight_publishers(licenses):
    assert len(licenses) == 60
    assert len({found["type"] for found in licenses.values()}) >= 25
    assert len({found["company"]["name"] for found in licenses.values()}) == 8


def test_the_totals_are_the_sums_of_the_served_rows(totals, rows):
    assert totals["row_count"] == sum(map(len, rows.values()))
    assert Decimal(totals["recharged_cost"]) == sum(map(cost_of, rows.values()))
    assert Decimal(totals["recharged_consumption"]) == sum(map(recharged, rows.values()))
    for license_id, figures in totals["licenses"].items():
        assert figures["row_count"] == len(rows[license_id])
        assert Decimal(figures["recharged_consumption"]) == recharged(rows[license_id])
        assert Decimal(figures["recharged_cost"]) == cost_of(rows[license_id])


def test_rows_add_up_to_the_license_but_for_the_named_gaps(licenses, rows, totals):
    for license_id, found in licenses.items():
        consumed, shared = found["compliance"]["consumedEntitlementCount"], recharged(rows[license_id])
        gap = totals["licenses"][license_id]["gap"]
        if gap is None:
            assert shared == consumed, found["name"]
        elif gap == "oracle_rounding":
            assert 0 <= shared - consumed < len(rows[license_id])
        else:
            assert found["type"] in GAPS
            assert shared < consumed, found["name"]


def test_every_host_figure_is_shared_out_completely(rows):
    hosts_seen = 0
    for found in rows.values():
        by_host = defaultdict(list)
        for row in found:
            if row["host"] is not None:
                by_host[row["host"]["id"]].append(row)
        for members in by_host.values():
            hosts_seen += 1
            assert recharged(members) == members[0]["hostConsumption"]
            assert all(row["host"] == members[0]["host"] for row in members)
            assert all(row["hostConsumption"] == members[0]["hostConsumption"] for row in members)
    assert hosts_seen > 100


def test_every_cost_is_within_a_cent_of_price_times_consumption_and_the_license_is_rounded_once(rows):
    for found in rows.values():
        priced = [row["chargeback"] for row in found if row["chargeback"]["costPerRight"] is not None]
        exact = [row["consumption"] * row["costPerRight"] for row in priced]
        assert all(abs(row["cost"] - amount) < CENT for row, amount in zip(priced, exact, strict=True))
        assert cost_of(found) == sum(exact, Decimal(0)).quantize(CENT, ROUND_HALF_UP)


def test_oracle_points_of_a_cluster_are_recharged_to_machines_that_consume_nothing_themselves(licenses, rows):
    license_id = named(licenses, "Oracle Database Enterprise Edition")
    by_cluster = defaultdict(list)
    for row in rows[license_id]:
        assert row["consumption"] == 0
        by_cluster[row["cluster"]["id"]].append(row)
    assert len(by_cluster) > 1
    for members in by_cluster.values():
        cluster = members[0]["cluster"]
        assert recharged(members) == cluster["consumingCores"] * Decimal("0.5")
        weights = [
            min(row["device"]["cores"], row["device"].get("cappedCores", Decimal(999))) for row in members
        ]
        for row, weight in zip(members, weights, strict=True):
            fair = recharged(members) * weight / sum(weights)
            assert abs(row["chargeback"]["consumption"] - fair) <= Decimal("0.000001")


def test_a_stand_alone_oracle_server_is_rounded_up_by_itself(licenses, rows):
    license_id = named(licenses, "Oracle Database Enterprise Edition, stand-alone servers")
    exact = Decimal(0)
    for row in rows[license_id]:
        points = row["device"]["cores"] * Decimal("0.5")
        exact += points
        assert row["consumption"] == points.to_integral_value(ROUND_CEILING)
    consumed = licenses[license_id]["compliance"]["consumedEntitlementCount"]
    assert consumed == exact.to_integral_value(ROUND_CEILING) < recharged(rows[license_id])


def test_partitions_show_their_caps_and_pools(licenses, rows):
    found = rows[named(licenses, "Oracle Database on Power (hard partitioning)")]
    assert any("cappedCores" in row["device"] for row in found)
    assert any("resourcePools" in row["device"] for row in found)
    assert all(row["cluster"] is None for row in found)
    assert all(row["host"]["consumingCores"] <= row["host"]["cores"] for row in found)


def test_pvu_of_a_host_are_the_cores_used_times_the_points_of_a_core(licenses, rows):
    points = set()
    for license_id, found in licenses.items():
        if found["type"] != "IBM PVU":
            continue
        for row in rows[license_id]:
            host = row["host"]
            points.add(host["pointsPerCore"])
            assert row["hostConsumption"] == host["consumingCores"] * host["pointsPerCore"]
            if not row["eligibleForSubCapacity"]:
                assert host["consumingCores"] == host["cores"]
    assert points == {Decimal(70), Decimal(120)}


def test_windows_standard_licenses_a_host_again_for_every_two_machines(licenses, rows):
    found = rows[named(licenses, "Windows Server Standard")]
    machines = defaultdict(int)
    for row in found:
        if row["host"]:
            machines[row["host"]["id"]] += 1
    for row in found:
        if row["host"]:
            times = -(-machines[row["host"]["id"]] // 2)
            assert row["hostConsumption"] == max(row["host"]["cores"], 16) * times


def test_a_machine_counts_at_least_four_sql_server_cores(licenses, rows):
    found = rows[named(licenses, "SQL Server Enterprise")]
    assert all(row["consumption"] >= max(4, row["device"]["cores"]) for row in found)
    assert all(row["chargeback"]["consumption"] == row["consumption"] for row in found)


def test_some_licenses_have_no_rows_no_price_or_a_price_of_nothing(licenses, rows):
    assert rows[named(licenses, "Adobe Captivate")] == []
    assert rows[named(licenses, "Adobe Experience Manager Page Views")] == []
    unpriced = rows[named(licenses, "Adobe Sign")]
    assert unpriced
    assert all(row["chargeback"]["costPerRight"] is row["chargeback"]["cost"] is None for row in unpriced)
    free = rows[named(licenses, "VMware Workstation Pro")]
    assert {row["chargeback"]["cost"] for row in free} == {Decimal(0)}


def test_a_few_percent_of_consumers_are_unassigned(rows):
    consumers = [row["device"] or row["user"] for found in rows.values() for row in found]
    for part in ("location", "costCenter", "corporateUnit"):
        unassigned = sum(consumer[part] is None for consumer in consumers)
        assert 0.005 < unassigned / len(consumers) < 0.08
    paths = {consumer["location"] for consumer in consumers} - {None}
    assert {path.count("/") for path in paths} >= {2, 3, 4}


def test_names_are_as_odd_as_in_life(rows):
    devices = {
        row["device"]["id"]: row["device"]["name"]
        for found in rows.values()
        for row in found
        if row["device"]
    }
    people = {row["user"]["name"] for found in rows.values() for row in found if row["user"]}
    assert list(devices.values()).count("fs01") > 1
    assert any(name.startswith("=") for name in devices.values())
    assert {"李 小龙", "van der Berg, Jan", 'Maria "Mia" López'} <= people
    instances = [
        [item["name"] for item in row.get("instances", [])] for found in rows.values() for row in found
    ]
    assert any(len(names) != len(set(names)) for names in instances)


def test_the_same_seed_and_date_give_the_same_bytes_and_another_seed_does_not(caller, reader):
    def looked_at(found):
        return [found.get().content] + [found.consumption(number).content for number in (41201, 41226)]

    def bodies(seed):
        with (
            running_simulator(date="2026-11-24", requests_per_minute=0, seed=seed) as again,
            reader(again) as other,
        ):
            return looked_at(other)

    here = looked_at(caller)
    assert bodies(1) == here
    assert bodies(2) != here


def test_organizations_differ(reader):
    with running_simulator(date="2026-11-24", org=["1", "2"], requests_per_minute=0) as simulator:
        with reader(simulator, "1") as one, reader(simulator, "2") as two:
            assert one.consumption(41226).content != two.consumption(41226).content
        assert (
            simulator.totals(org_id="1")["recharged_cost"] != simulator.totals(org_id="2")["recharged_cost"]
        )


def test_the_estate_changes_from_day_to_day_but_ids_stay(reader):
    with (
        running_simulator(date="2026-11-19", requests_per_minute=0) as simulator,
        reader(simulator) as other,
    ):
        before, before_ids = other.rows(41223), {found["id"] for found in other.licenses()}
        simulator.set_date("2026-11-20")
        after, after_ids = other.rows(41223), {found["id"] for found in other.licenses()}
    old = {row["device"]["id"]: row["device"]["name"] for row in before}
    new = {row["device"]["id"]: row["device"]["name"] for row in after}
    kept = old.keys() & new.keys()
    assert before != after
    assert len(kept) > 0.9 * len(old)
    assert all(old[device] == new[device] for device in kept)
    assert after_ids - before_ids == {41260}
    assert before_ids < after_ids


def test_machines_come_go_move_and_grow_people_change_cost_center_and_prices_change_monthly(reader):
    with (
        running_simulator(date="2026-10-24", requests_per_minute=0) as simulator,
        reader(simulator) as other,
    ):
        machines, people = other.rows(41224), other.rows(41226)
        simulator.set_date("2026-11-24")
        later_machines, later_people = other.rows(41224), other.rows(41226)
    old = {row["device"]["id"]: row for row in machines}
    new = {row["device"]["id"]: row for row in later_machines}
    kept = old.keys() & new.keys()
    assert old.keys() - new.keys()
    assert new.keys() - old.keys()
    assert any(old[key]["host"]["id"] != new[key]["host"]["id"] for key in kept)
    assert any(old[key]["device"]["cores"] != new[key]["device"]["cores"] for key in kept)
    assert machines[0]["chargeback"]["costPerRight"] != later_machines[0]["chargeback"]["costPerRight"]
    was = {row["user"]["id"]: row["user"]["costCenter"] for row in people}
    is_now = {row["user"]["id"]: row["user"]["costCenter"] for row in later_people}
    assert sum(was[key] != is_now[key] for key in was.keys() & is_now.keys()) > 10
