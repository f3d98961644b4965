"""The one map from the API's names to ours: what it reads, what it refuses, and how it is checked itself."""

from __future__ import annotations

import pickle
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chargeback.errors import SettingsInvalid
from chargeback.flexera import LICENSE_COLUMNS, LINE_COLUMNS, FieldMap, UnreadableRow, parse_page

INCLUDE = Path(__file__).resolve().parents[3] / "include"
MAP = INCLUDE / "config" / "field_map.yaml"
REVISIONS = INCLUDE / "chargeback" / "warehouse" / "migrations" / "versions"
ROW = {
    "device": {
        "id": 90311,
        "name": "oradb-vm-01",
        "type": "[Virtual Machine]",
        "cores": 8,
        "location": "EMEA/France/Lyon",
        "costCenter": {"path": "IT/CC-4100", "name": "CC-4100"},
        "corporateUnit": {"name": "Retail"},
    },
    "user": None,
    "host": {"id": "88002", "name": "esx-01", "cores": 16, "installedCores": 8, "consumingCores": 16},
    "instances": [{"name": "PDB1"}, {"name": "PDB1"}, {"name": None}, None],
    "products": [{"name": "Database", "isSupplementary": False}, {"name": "Partitioning"}],
    "consumingInstallations": 1,
    "consumption": "0",
    "chargeback": {
        "costPerRight": Decimal("23000.10"),
        "consumption": 8,
        "cost": "184000.80",
        "approach": "x",
    },
    "unknown": {"kept": "in the raw page"},
}


@pytest.fixture(scope="module")
def field_map() -> FieldMap:
    return FieldMap.read(MAP)


def line(field_map: FieldMap, row: dict[str, Any]) -> dict[str, object]:
    return dict(zip(LINE_COLUMNS, field_map.consumption(row).values, strict=True))


def columns_of(table: str) -> set[str]:
    """The columns that the revisions give a table."""
    revisions = "".join(path.read_text() for path in sorted(REVISIONS.glob("*.sql")))
    made = revisions.split(f"create table intermediate.{table} (")[1].split("primary key")[0]
    added = re.findall(rf"alter table intermediate\.{table}\s+([^;]*)", revisions)
    names = re.findall(r"^\s*(\w+) ", made, re.MULTILINE)
    return {*names, *re.findall(r"add column (\w+)", " ".join(added))}


def test_the_columns_are_those_of_the_tables() -> None:
    row_key = {"load_id", "license_id", "page_number", "row_number"}

    assert columns_of("int_consumption_lines") == {*row_key, "content_hash", *LINE_COLUMNS}
    assert columns_of("int_licenses") == {"load_id", *LICENSE_COLUMNS}


def test_resource_pools_are_read_from_the_innermost_out(field_map: FieldMap) -> None:
    pools = [{"name": "shared", "cappedCores": 6}, {"name": "outer"}, {"cappedCores": 3}]

    read = field_map.consumption({"device": {"resourcePools": pools}})

    assert read.pools == [("shared", Decimal(6)), ("outer", None)]


def test_a_consumption_row_becomes_typed_columns(field_map: FieldMap) -> None:
    found = {name: value for name, value in line(field_map, ROW).items() if value is not None}

    assert found == {
        "device_id": "90311",
        "device_name": "oradb-vm-01",
        "device_type": "Virtual Machine",
        "device_location": "EMEA/France/Lyon",
        "device_cost_center": "IT/CC-4100",
        "device_corporate_unit": "Retail",
        "host_id": "88002",
        "host_name": "esx-01",
        "host_cores": Decimal(16),
        "host_installed_cores": Decimal(8),
        "host_consuming_cores": Decimal(16),
        "cores": Decimal(8),
        "consuming_installations": Decimal(1),
        "machine_consumption": Decimal(0),
        "cost_per_right": Decimal("23000.10"),
        "recharged_consumption": Decimal(8),
        "recharged_cost": Decimal("184000.80"),
        "currency": "EUR",
        "recharge_approach": "x",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (41207, "41207"),
        (Decimal("41207.0"), "41207"),
        (Decimal("4.12070E+4"), "41207"),
        (Decimal("-0.0"), "0"),
        (Decimal("1.50"), "1.5"),
        (2**64 + 1, "18446744073709551617"),
        ("41207.0", "41207.0"),
        ("00041207", "00041207"),
        ("6f1c\0", "6f1c\ufffd"),
    ],
)
def test_an_id_is_one_text_however_its_number_is_written(
    field_map: FieldMap, value: object, expected: str
) -> None:
    assert field_map.license({"id": value})["license_id"] == expected
    assert line(field_map, {"device": {"id": value}})["device_id"] == expected


@pytest.mark.parametrize("code", ["EUR", "eur", " usd ", "€", "US$", "R$"])
def test_a_currency_is_a_code_of_three_letters_or_a_sign(field_map: FieldMap, code: str) -> None:
    assert line(field_map, {"chargeback": {"currency": code}})["currency"] == code.strip()


@pytest.mark.parametrize(
    "text", ["N/A", "-", "Euro", "EURO", "1 EUR", "EUR\u202e", 978, True, ["EUR"], {"code": "EUR"}]
)
def test_a_cost_without_a_readable_currency_is_not_charged_in_another_one(
    field_map: FieldMap, text: object
) -> None:
    with pytest.raises(UnreadableRow, match="currency"):
        line(field_map, {"chargeback": {"currency": text}})


@pytest.mark.parametrize(
    ("member", "value", "column"),
    [
        ("numberOfCores", "Unlimited", "cores"),
        ("numberOfCores", "N/A", "cores"),
        ("numberOfCores", "-", "cores"),
        ("numberOfCores", [8], "cores"),
        ("numberOfCores", True, "cores"),
        ("consumingInstallations", "1,5", "consuming_installations"),
        ("hostConsumption", {"value": 8}, "host_consumption"),
        ("allocated", "perhaps", "is_allocated"),
        ("allocated", 2, "is_allocated"),
        ("rechargeApproach", {"id": 1}, "recharge_approach"),
    ],
)
def test_an_optional_cell_that_cannot_be_read_is_null_and_noted_and_the_row_is_charged(
    field_map: FieldMap, member: str, value: object, column: str
) -> None:
    read = field_map.consumption({"rechargedCost": 5, member: value})

    values = dict(zip(LINE_COLUMNS, read.values, strict=True))
    assert (values[column], values["recharged_cost"]) == (None, Decimal(5))
    assert [cell.column for cell in read.unread] == [column]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *[(word, True) for word in (True, "Y", "yes", " JA ", "true", 1, Decimal("1.0"), "1", "oui", "sí")],
        *[(word, False) for word in (False, "N", "no", "Nein", "FALSE", 0, "0", "non")],
        ("", None),
    ],
)
def test_words_for_true_and_false_are_read(field_map: FieldMap, word: object, expected: bool | None) -> None:
    assert line(field_map, {"allocated": word})["is_allocated"] is expected


def test_words_for_true_and_false_are_data_in_the_map(tmp_path: Path) -> None:
    other = tmp_path / "map.yaml"
    other.write_text(
        MAP.read_text()
        .replace('true:  ["true",', 'true:  [igen, yes, on, "true",')
        .replace('"yes", "y", "t", "on", ', "")
    )

    read = FieldMap.read(other)

    assert [line(read, {"allocated": word})["is_allocated"] for word in ("Igen", "YES", "on")] == [True] * 3


def test_a_word_for_both_and_a_missing_list_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "map.yaml"
    broken.write_text(re.sub(r"\n  true: .*", '\n  true: ["no"]\n  perhaps: [x]', MAP.read_text()))
    with pytest.raises(SettingsInvalid, match="'no' is both true and false") as caught:
        FieldMap.read(broken)
    assert "booleans has no place for 'perhaps'" in str(caught.value)

    broken.write_text(re.sub(r"\n  true: .*\n", "\n", MAP.read_text()))
    with pytest.raises(SettingsInvalid, match=r"booleans\.true needs a list"):
        FieldMap.read(broken)
    broken.write_text(re.sub(r"booleans:\n.*\n.*\n", "", MAP.read_text()))
    with pytest.raises(SettingsInvalid, match="part 'booleans' is missing"):
        FieldMap.read(broken)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"device": "srv0"}, "device_id: device is text where an object is expected"),
        ({"device": ["srv0"]}, "device_id: device is a list where an object is expected"),
        ({"device": 7}, "device_id: device is a number where an object is expected"),
        ({"user": True}, "user_id: user is true or false where an object is expected"),
        ({"device": {"ownership": "IT"}}, "device_location: device.ownership is text where an object"),
        ({"device": {"costCenter": ["IT"]}}, "device_cost_center: a list where one value is expected"),
        ({"device": {"name": {"first": "a"}}}, "device_name: an object with first where one value"),
        ({"chargeback": [{"cost": 1}, {"cost": 2}]}, "chargeback is a list where an object is expected"),
        ({"chargeback": "12.00 EUR"}, "chargeback is text where an object is expected"),
        ({"chargeback": {"cost": [1]}}, "recharged_cost: a list where one value is expected"),
        ({"chargeback": {"currency": 5, "cost": {}}}, "recharged_cost: an empty object where one value"),
        ({"products": {"name": "Database"}}, "product_name: an object with name where a list is expected"),
        ("srv0", "row: text where an object is expected"),
        (None, "row: null where an object is expected"),
        ([{"device": {}}], "row: a list where an object is expected"),
    ],
    ids=str,
)
def test_another_shape_where_a_charge_or_its_consumer_stands_spoils_the_row(
    field_map: FieldMap, row: Any, reason: str
) -> None:
    with pytest.raises(UnreadableRow, match=re.escape(reason)):
        field_map.consumption(row)


def test_another_shape_does_no_harm_where_the_value_is_found_elsewhere(field_map: FieldMap) -> None:
    row = {"recharge": "none", "device": "", "host": "esx-01", "products": {}, "rechargedCost": 3}

    read = field_map.consumption(row | {"rechargedConsumption": 2, "currency": "USD", "computerId": 7})

    values = dict(zip(LINE_COLUMNS, read.values, strict=True))
    assert (values["recharged_cost"], values["currency"], values["device_id"]) == (Decimal(3), "USD", "7")
    assert {"host_name: host is text where an object is expected"} <= set(map(str, read.unread))


def test_odd_cells_of_a_license_are_null_and_noted(field_map: FieldMap) -> None:
    read = field_map.license(
        {
            "id": 7,
            "name": "Visio",
            "type": ["User"],
            "company": "Microsoft",
            "status": {"code": 1},
            "version": ["2019", "2021"],
            "expiryDate": "Never",
            "compliance": {"purchasedEntitlementCount": "Unlimited", "consumedEntitlementCount": 12},
        }
    )

    assert {name: value for name, value in read.items() if value is not None} == {
        "license_id": "7",
        "license_name": "Visio",
        "consumed": Decimal(12),
    }
    assert [cell.column for cell in read.unread] == [
        *["license_type", "publisher", "license_status", "version", "expires_on", "purchased"],
    ]


def test_a_host_id_beside_the_device_is_not_the_host(field_map: FieldMap) -> None:
    assert line(field_map, {"hostId": 5, "deviceId": 1})["host_id"] is None


@pytest.mark.parametrize("group", ["IT/CC-1", {"path": "IT/CC-1"}, {"path": "IT/CC-1", "name": "CC-1"}])
def test_flat_rows_of_users_have_their_groups_at_the_top(field_map: FieldMap, group: object) -> None:
    found = line(
        field_map, {"userName": "ada", "location": group, "costCenter": group, "corporateUnit": group}
    )

    assert {found[f"user_{name}"] for name in ("location", "cost_center", "corporate_unit")} == {"IT/CC-1"}


def test_both_lists_of_a_row_are_read_apart(field_map: FieldMap) -> None:
    read = field_map.consumption(ROW)

    assert read.products == [("Database", False), ("Partitioning", None)]
    assert read.instances == ["PDB1", "PDB1"]


def test_rows_of_another_form_are_not_read_by_the_paths_of_the_first(field_map: FieldMap) -> None:
    by_user = {
        "user": {"id": "u-1", "name": "Ada", "location": "Lyon"},
        "rechargedCost": 5,
        "costCenter": "CC-1",
    }

    line(field_map, ROW)
    found = line(field_map, by_user)

    assert (found["user_name"], found["device_name"], found["recharged_cost"]) == ("Ada", None, Decimal(5))
    assert found["device_cost_center"] == "CC-1"


def test_a_license_becomes_typed_columns(field_map: FieldMap) -> None:
    row = {
        "id": 41207,
        "name": "Database",
        "type": "[Oracle Processor]",
        "company": {"name": "Oracle"},
        "status": "Active",
        "expiryDate": "2027-03-31T00:00:00Z",
        "compliance": {"purchasedEntitlementCount": "12", "consumedEntitlementCount": Decimal("16.5")},
    }

    assert field_map.license(row) == {
        "license_id": "41207",
        "license_name": "Database",
        "license_type": "Oracle Processor",
        "publisher": "Oracle",
        "license_status": "Active",
        "edition": None,
        "version": None,
        "expires_on": date(2027, 3, 31),
        "purchased": Decimal(12),
        "consumed": Decimal("16.5"),
    }


def test_the_other_names_of_a_license_are_known(field_map: FieldMap) -> None:
    found = field_map.license(
        {"licenseId": "1", "licenseName": "n", "licenseType": "[User]", "publisher": "p"}
    )

    assert list(found)[:4] == list(LICENSE_COLUMNS[:4])
    assert list(found.values())[:4] == ["1", "n", "User", "p"]


@pytest.mark.parametrize("name", ["device", "user"])
@pytest.mark.parametrize(
    ("group", "path"),
    [
        ("R/D", "R/D"),
        ({"path": "R/D", "name": "D"}, "R/D"),
        ({"name": "R/D"}, "R\\/D"),
        ({"name": "/"}, "\\/"),
        ({"name": "D"}, "D"),
    ],
    ids=str,
)
def test_the_name_of_a_group_is_one_level_whatever_it_holds(
    field_map: FieldMap, name: str, group: object, path: str
) -> None:
    for member, column in (
        ("location", "location"),
        ("costCenter", "cost_center"),
        ("corporateUnit", "corporate_unit"),
    ):
        assert line(field_map, {name: {member: group}})[f"{name}_{column}"] == path


def test_a_license_with_an_id_too_long_for_a_key_is_unreadable(field_map: FieldMap) -> None:
    row = {"id": "x" * 500, "name": "y" * 100_000, "type": "Device"}

    assert field_map.license(row)["license_id"] == "x" * 500
    with pytest.raises(UnreadableRow, match="license_id: longer than 500 characters"):
        field_map.license({**row, "id": "x" * 501})


def test_a_license_without_an_id_is_unreadable(field_map: FieldMap) -> None:
    with pytest.raises(UnreadableRow, match="license_id: missing"):
        field_map.license({"name": "n"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("2022-03-31T23:30:00.0000000Z", date(2022, 3, 31), id="seven decimals"),
        pytest.param("2022-03-31T00:30:00+02:00", date(2022, 3, 31), id="the date as written"),
        pytest.param("2022-03-31", date(2022, 3, 31), id="date alone"),
        pytest.param("0001-01-01T00:00:00", None, id="none in .NET"),
        pytest.param("9999-12-31", date(9999, 12, 31), id="never"),
    ],
)
def test_dates_are_read_as_they_come(field_map: FieldMap, value: str, expected: date | None) -> None:
    assert field_map.license({"id": 1, "expiryDate": value})["expires_on"] == expected


@pytest.mark.parametrize(
    "value",
    [
        *["31.03.2022", "soon", 20220331, "2022-13-01", "2022-03-311", "0000-00-00", "Never", "31/12/2026"],
        *["/Date(1798675200000)/", "-", True, {"year": 2026}, ["2026-12-31"]],
    ],
    ids=str,
)
def test_what_is_no_date_is_null_and_noted(field_map: FieldMap, value: object) -> None:
    read = field_map.license({"id": 1, "expiryDate": value})

    assert read["expires_on"] is None
    assert [cell.column for cell in read.unread] == ["expires_on"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-3, "-3"),
        ("12.50", "12.50"),
        (" 7 ", "7"),
        ("1e3", "1E+3"),
        (Decimal("0.1"), "0.1"),
        ("1234567890123456.123456789012", "1234567890123456.123456789012"),
        (Decimal("-9999999999999999.5"), "-9999999999999999.5"),
        ("0.1234567890125", "0.123456789012"),
        ("0.1234567890135", "0.123456789014"),
        (Decimal("1E-40"), "0E-12"),
        ("1.00000000000000000", "1.000000000000"),
    ],
)
def test_numbers_stay_exact_to_twelve_decimals(field_map: FieldMap, value: object, expected: str) -> None:
    assert str(line(field_map, {"rechargedCost": value})["recharged_cost"]) == expected


@pytest.mark.parametrize(
    "value",
    [
        *["NaN", "Infinity", "-Infinity", "1,234", "1_000", "١٢", "12 EUR", "0x1F", True],
        *["9" * 500, 10**400, Decimal("1E+999999999"), 10**16, "9999999999999999.9999999999999"],
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_number_or_does_not_fit_spoils_its_row_with_a_short_reason(
    field_map: FieldMap, value: object
) -> None:
    with pytest.raises(UnreadableRow) as caught:
        field_map.consumption({"chargeback": {"cost": value}})

    assert caught.value.column == "recharged_cost"
    assert 0 < len(caught.value.reason) < 100


def test_null_and_empty_text_lead_to_the_next_path(field_map: FieldMap) -> None:
    assert line(field_map, {"chargeback": {"cost": None}, "rechargedCost": 4})["recharged_cost"] == Decimal(4)
    assert line(field_map, {"device": {"name": ""}, "deviceName": "a"})["device_name"] == "a"


@pytest.mark.parametrize("group", [None, "", {}, {"path": None}, {"path": ""}, {"id": 7, "name": None}])
def test_a_group_that_is_not_assigned_is_no_value(field_map: FieldMap, group: object) -> None:
    assert line(field_map, {"device": {"costCenter": group}})["device_cost_center"] is None


def test_a_group_whose_path_has_another_name_is_not_taken_for_unassigned(field_map: FieldMap) -> None:
    with pytest.raises(UnreadableRow, match="device_cost_center"):
        field_map.consumption({"device": {"costCenter": {"fullPath": "IT/CC-4100"}}})


def test_an_object_in_place_of_a_value_spoils_its_row(field_map: FieldMap) -> None:
    with pytest.raises(UnreadableRow, match="device_location: an object with city where one value"):
        field_map.consumption({"device": {"location": {"city": "Lyon"}}})


def test_a_list_that_is_none_spoils_its_row(field_map: FieldMap) -> None:
    with pytest.raises(UnreadableRow, match="product_name: text where a list is expected"):
        field_map.consumption({"products": "Database"})
    with pytest.raises(UnreadableRow, match="instance_name: text where an object is expected"):
        field_map.consumption({"instances": ["PDB1"]})


def test_text_that_postgresql_cannot_store_is_replaced(field_map: FieldMap) -> None:
    (row,) = parse_page(b'[{"deviceName": "a\\u0000b", "userName": "c\\ud800d"}]').rows

    found = line(field_map, row)

    assert (found["device_name"], found["user_name"]) == ("a\ufffdb", "c\ufffdd")


def test_a_number_that_json_does_not_know_spoils_its_row_and_not_the_page(field_map: FieldMap) -> None:
    bad, good = parse_page(b'[{"rechargedCost": NaN}, {"rechargedCost": 1.10}]').rows

    with pytest.raises(UnreadableRow, match="recharged_cost: 'NaN' is not a number"):
        field_map.consumption(bad)
    assert str(line(field_map, good)["recharged_cost"]) == "1.10"


def test_an_unreadable_row_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(UnreadableRow("cores", "no number")))  # noqa: S301 - our own bytes

    assert (error.column, error.reason, str(error)) == ("cores", "no number", "cores: no number")


def test_a_required_column_is_missing_only_where_no_row_has_it(field_map: FieldMap) -> None:
    assert field_map.missing_required("consumption", [{"device": {}}, ROW]) == []
    assert field_map.missing_required("consumption", [{"chargeback": None}]) == []
    (missing,) = field_map.missing_required("consumption", [{"device": {}}, {"chargeback": {"cost": 1}}])
    assert missing.startswith("recharged_consumption (chargeback.consumption or ")
    assert field_map.missing_required("license", [{"identifier": 1, "name": "n", "type": "t"}]) == [
        "license_id (id or licenseId)"
    ]


def test_a_tenant_with_other_names_is_a_change_of_the_file_alone(tmp_path: Path) -> None:
    other = tmp_path / "map.yaml"
    text = MAP.read_text().replace("default: EUR", "default: USD")
    text = text.replace('["instances[].name"]', '["instances[].name", "databases[]"]')
    other.write_text(text.replace("paths: [device.id,", "paths: [machine.details.key,"))

    read = FieldMap.read(other).consumption(
        {"machine": {"details": {"key": 7}}, "databases": ["A", {"x": 1}]}
    )

    values = dict(zip(LINE_COLUMNS, read.values, strict=True))
    assert (values["device_id"], values["currency"], read.instances) == ("7", "USD", ["A"])


def test_every_bad_line_of_the_map_is_told_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "map.yaml"
    broken.write_text(
        MAP.read_text()
        .replace("license_id:      {type: id,", "license_id:      {type: money,")
        .replace("paths: [name, licenseName]", "paths: name")
        .replace("  edition: ", "  editoin: ")
        .replace('"products[].name"', '"products.name"')
        .replace("default: EUR", "default: 5")
    )

    with pytest.raises(SettingsInvalid) as caught:
        FieldMap.read(broken)

    message = str(caught.value)
    assert str(broken) in message
    for words in (
        "license.license_id needs a type of id, text, enum, not 'money'",
        "license.license_name needs paths, a list of texts",
        "license has no place for 'editoin'",
        "column license.edition is missing",
        "consumption.product_name has the path 'products.name', not of the form list[].name",
        "consumption.currency has a default, which must be text",
    ):
        assert words in message
    first = MAP.read_text().splitlines().index("license:") + 2
    assert f"line {first}: license.license_id" in message


@pytest.mark.parametrize(
    "text", ["", "license", "license: [1]\nconsumption: {}", "a: b: c", "license: {}\nlicense: {}"]
)
def test_a_file_that_is_no_map_is_told(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "map.yaml"
    broken.write_text(text)

    with pytest.raises(SettingsInvalid, match="Field map"):
        FieldMap.read(broken)


def test_a_missing_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        FieldMap.read(tmp_path / "none.yaml")
