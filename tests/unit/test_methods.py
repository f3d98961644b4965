"""The catalog of methods: what the product's own file says, and what is wrong with a bad one."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.errors import SettingsInvalid
from chargeback.methods import TERM_COLUMNS, Catalog, LicenseFacts

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "include" / "config" / "seeds"
CATALOG = Catalog.read()

ONE_METHOD = """
methods:
  device.each.v1: {{family: consumers, measure: devices, weight: quantity, explanation: x, source: y{more}}}
license_types: {{Device: [device.each.v1]}}
overrides: {overrides}
default: [device.each.v1]
"""


def parse(more: str = "", overrides: str = "[]") -> Catalog:
    return Catalog.parse(ONE_METHOD.format(more=more, overrides=overrides))


def known_license_types() -> set[str]:
    """The license types that the warehouse knows."""
    sql = (
        ROOT / "include" / "chargeback" / "warehouse" / "migrations" / "versions" / "v0001_functions.sql"
    ).read_text(encoding="utf-8")
    values = sql.partition("insert into mart.license_types")[2]
    return {line.split("'")[1] for line in values.splitlines() if line.startswith("('")}


def seeds(name: str, column: str) -> set[str]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row[column] for row in csv.DictReader(file)}


def test_every_license_type_of_the_warehouse_has_candidates() -> None:
    known = known_license_types()

    assert len(known) > 30
    assert {name for name in known if name.lower() not in CATALOG.license_types} == set()


def test_a_license_type_is_found_in_any_case_and_between_blanks() -> None:
    methods = CATALOG.candidates(LicenseFacts(license_id="1", license_type=" oracle PROCESSOR "))

    assert methods[0].method_id == "oracle_processor.cluster.vm_cores.v1"
    assert methods[0].factor == Decimal("0.5")


@pytest.mark.parametrize("license_type", [None, "", "Quantum Seat"])
def test_an_unknown_type_is_charged_as_recharged(license_type: str | None) -> None:
    [method] = CATALOG.candidates(LicenseFacts(license_id="1", license_type=license_type))

    assert method.method_id == "as_recharged.v1"


def test_every_method_is_explained_has_a_source_and_may_be_used() -> None:
    used = {name for names in CATALOG.license_types.values() for name in names} | set(CATALOG.default)

    assert all(method.explanation and method.source for method in CATALOG.methods.values())
    assert set(CATALOG.methods) - used == {
        "ibm_power.partition_rounding.v1",
        "ibm_power.sum_rounding.v1",
    }


def test_every_list_that_a_method_names_is_among_the_seeds() -> None:
    for column, table in (
        ("minimum_list", "license_minimums"),
        ("cloud_list", "cloud_vcpus"),
        ("tier_list", "consumption_tiers"),
    ):
        named = {getattr(method, column) for method in CATALOG.methods.values()} - {None}

        assert named
        assert named - seeds(table, column) == set()


def test_terms_are_numbered_over_all_licenses_and_only_fixed_amounts_take_the_consumption_as_given() -> None:
    licenses = [
        LicenseFacts(license_id="a", license_type="Device", consumed=Decimal(7)),
        LicenseFacts(license_id="b", license_type="Site", consumed=Decimal(7)),
    ]
    rows = [dict(zip(TERM_COLUMNS, row, strict=True)) for row in CATALOG.terms(3, licenses)]

    assert [(row["load_id"], row["term_number"], row["license_id"]) for row in rows] == [
        (3, 1, "a"),
        (3, 2, "a"),
        (3, 3, "b"),
        (3, 4, "b"),
        (3, 5, "b"),
    ]
    assert {row["method_id"]: row["license_quantity"] for row in rows} == {
        "device.each.v1": None,
        "device.installations.v1": None,
        "fixed_amount.configured.v1": Decimal(7),
        "fixed_amount.percent.v1": Decimal(7),
        "fixed_amount.even.v1": Decimal(7),
    }


def test_the_first_override_whose_conditions_all_hold_decides() -> None:
    text = (ROOT / "include" / "config" / "methods.yaml").read_text(encoding="utf-8")
    catalog = Catalog.parse(
        text.replace(
            "overrides: []",
            """overrides:
- {publishers: ["red hat*"], license_types: ["*points"], methods: [device.each.v1]}
- {license_ids: ["7"], methods: [user.each.v1, as_recharged.v1]}""",
        )
    )

    def found(license_id: str, license_type: str, publisher: str | None) -> list[str]:
        license_ = LicenseFacts(license_id=license_id, license_type=license_type, publisher=publisher)
        return [method.method_id for method in catalog.candidates(license_)]

    assert found("7", "Core Points", "Red Hat, Inc.") == ["device.each.v1"]
    assert found("7", "Device", "Red Hat, Inc.") == ["user.each.v1", "as_recharged.v1"]
    assert found("8", "Processor", None) == ["processor.each.v1"]


def test_numbers_are_read_exactly() -> None:
    assert parse(", factor: 0.1").methods["device.each.v1"].factor == Decimal("0.1")


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        (", wieght: equal", "has the unknown setting 'wieght'"),
        (", round_at: nowhere", "has round_at 'nowhere', not one of none, partition, group, sum"),
        (", is_sub_capacity: maybe", "has is_sub_capacity 'maybe'"),
        (", factor: -1", "has factor -1, not a number of 0 or more"),
        (", factor: many", "has factor 'many', not a number"),
        (", units_per_right: 0", "has units_per_right 0"),
        (", share_scale: 19", "has share_scale 19, not a whole number from 0 to 12"),
        (", cloud_list: oracle_standard", "has a cloud_list, and so must round at each partition"),
    ],
)
def test_a_setting_that_cannot_be_is_told(more: str, mistake: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"methods\.yaml: method device\.each\.v1") as caught:
        parse(more)

    assert mistake in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Catalog.parse(
            """
            methods:
              Device each: {family: consumers, measure: miles, weight: quantity}
              rvu.v1: {family: tiers, measure: cores, weight: quantity, explanation: x, source: y}
              pvu.v1:
                {family: capacity, measure: capped_cores, weight: equal, layers: layered, explanation: x, source: y}
              odd.v1: 3
            license_types: {Device: [device.each.v1], DEVICE: [], User: [rvu.v1, rvu.v1]}
            overrides: [{methods: [rvu.v1]}, {publishers: Oracle, methods: [rvu.v1]}, {license_ids: ["1"], x: 1}]
            defaults: []
            """
        )

    for mistake in (
        "unknown part 'defaults'",
        "part 'default' is missing",
        "method Device each is no id",
        "method Device each needs explanation",
        "method Device each has measure 'miles'",
        "method rvu.v1 needs a tier_list",
        "method pvu.v1 goes down by layers",
        "method odd.v1 needs a family",
        "license type 'Device' names the unknown method 'device.each.v1'",
        "license type 'DEVICE' stands twice",
        "license type 'DEVICE' needs a list of one or more methods",
        "license type 'User' names a method twice",
        "override 1 needs a condition",
        "override 2: publishers must be a list",
        "override 3 has the unknown setting 'x'",
        "override 3 needs a list of one or more methods",
    ):
        assert mistake in str(caught.value), mistake


@pytest.mark.parametrize("text", ["", "- a list", "methods: {a: 1, a: 2}", "methods: ["])
def test_a_file_of_another_form_is_one_clear_error(text: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^methods\.yaml: "):
        Catalog.parse(text)


def test_a_method_is_tried_where_the_license_has_what_it_needs() -> None:
    def tried(license_type: str, *features: str) -> set[str]:
        facts = LicenseFacts(license_id="1", license_type=license_type, features=features)
        return {method.method_id for method in CATALOG.candidates(facts)}

    assert tried("IBM PVU", "hosts") == {"ibm_pvu.sub_capacity.layered.v1", "ibm_pvu.full_capacity.v1"}
    assert tried("IBM PVU", "hosts", "pools") > tried("IBM PVU", "hosts")
    assert tried("Oracle Processor", "clouds", "stand_alone") >= {"oracle_processor.cloud.enterprise.v1"}
    assert not any("cluster" in name for name in tried("Oracle Processor", "stand_alone"))
    assert tried("Oracle Processor") == {"oracle_processor.cluster.vm_cores.v1"}


def test_the_id_of_an_override_is_what_is_written() -> None:
    catalog = parse(overrides='[{license_ids: [041215, 7, "8"], methods: [device.each.v1]}]')

    assert catalog.overrides[0].license_ids == ("041215", "7", "8")


def test_what_cannot_be_an_id_of_an_override_is_told() -> None:
    with pytest.raises(SettingsInvalid, match="override 1: license_ids has None, not a text"):
        parse(overrides="[{license_ids: [null], methods: [device.each.v1]}]")


def test_an_override_is_tried_whatever_the_license_has() -> None:
    catalog = parse(", needs: [clusters]", "[{license_ids: ['1'], methods: [device.each.v1]}]")
    facts = LicenseFacts(license_id="1", license_type="Device", features=())

    assert [method.method_id for method in catalog.candidates(facts)] == ["device.each.v1"]


def test_a_need_that_no_license_can_have_is_named() -> None:
    with pytest.raises(SettingsInvalid, match=r"needs 'wings', not one of clusters"):
        parse(", needs: [wings]")


def test_only_methods_that_split_a_given_total_take_the_licenses_consumption() -> None:
    def quantity(license_type: str, method_id: str) -> object:
        facts = LicenseFacts(license_id="1", license_type=license_type, consumed=Decimal(7))
        rows = [dict(zip(TERM_COLUMNS, row, strict=True)) for row in CATALOG.terms(1, [facts])]
        return next(row["license_quantity"] for row in rows if row["method_id"] == method_id)

    assert quantity("IBM VPC", "ibm_vpc.layered.v1") is None
    assert quantity("IBM VPC", "ibm_vpc.total_given.v1") == Decimal(7)
    assert quantity("Custom Metric", "fixed_amount.even.v1") == Decimal(7)
