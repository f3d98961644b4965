"""Odd forms of rows: the same facts written otherwise, or facts that no pipeline expects."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from flexera_simulator.json_text import encode
from flexera_simulator.methods import TIERED_APPROACH, tiered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENUMS = ("type", "status", "approach")
_GROUPS = ("location", "costCenter", "corporateUnit")
_OPTIONAL = (
    *_GROUPS,
    "compliance",
    "consumingInstallations",
    "cores",
    "edition",
    "expiryDate",
    "hostConsumption",
    "instances",
    "products",
    "publisher",
    "version",
)
_CAPACITIES = ("cores", "cappedCores")
_ODD_NAME = '=SUM(A1;"x"), O\'Brien\n\u674e \U0001f600 '
_CENT = Decimal("0.01")

Row = dict[str, Any]
Change = Callable[[str, Any], Any]


def formed(body: bytes, names: Iterable[str]) -> bytes:
    """A row as JSON text, rewritten in these forms one after the other."""
    row = _DECODER.decode(body)
    for name in names:
        row = FORMS[name](row)
    return encode(row)


def numbers_as_text(row: Row) -> Row:
    """Every number is text."""
    return _mapped(row, lambda _, value: str(value) if _is_number(value) else value)


def bracketed_enums(row: Row) -> Row:
    """Enumerations stand in square brackets."""
    return _mapped(row, lambda name, value: f"[{value}]" if name in _ENUMS and value else value)


def extra_fields(row: Row) -> Row:
    """Every object has members that nobody knows."""
    for part in _objects(row):
        part |= {"xNote": "new in this release", "xParts": [{"a": 1}, None], "xFlag": True}
    return row


def missing_optional(row: Row) -> Row:
    """Members that a pipeline can do without are absent."""
    for part in _objects(row):
        for name in _OPTIONAL:
            part.pop(name, None)
    return row


def empty_dates(row: Row) -> Row:
    """A date that is not set is empty text instead of null."""
    return row | {"expiryDate": ""} if "expiryDate" in row else row


def null_members(row: Row) -> Row:
    """Host, cluster, groups and the price of a right are null."""
    names = ("host", "cluster", "costPerRight", *_GROUPS)
    return _mapped(row, lambda name, value: None if name in names else value)


def odd_names(row: Row) -> Row:
    """Names begin like a formula and hold quotes, commas, a line break and characters of other scripts."""
    return _mapped(
        row, lambda name, value: f"{_ODD_NAME}{value}" if name == "name" and isinstance(value, str) else value
    )


def odd_quantities(row: Row) -> Row:
    """Consumption is negative and fractional, and the price of a right is 0."""
    if "chargeback" in row:
        row["consumption"] = Decimal("-0.125")
        row["chargeback"] |= {"consumption": Decimal("-0.125"), "costPerRight": 0, "cost": Decimal("0.00")}
    return row


def unknown_type(row: Row) -> Row:
    """The license is of a type that did not exist before."""
    return row | {"type": "Quantum Core Hours"} if "compliance" in row else row


def groups_as_objects(row: Row) -> Row:
    """Locations, cost centers and corporate units are objects that hold their path."""
    return _mapped(
        row,
        lambda name, value: {"path": value, "id": 7} if name in _GROUPS and isinstance(value, str) else value,
    )


def twin_names(row: Row) -> Row:
    """All devices bear one name, as in different domains, and a row names its instances twice."""
    if row.get("device"):
        row["device"]["name"] = "same-name"
    if row.get("instances"):
        row["instances"] *= 2
    return row


def wrong_costs(row: Row) -> Row:
    """The cost is a cent more than the recharged consumption times the price."""
    charge = row.get("chargeback")
    if charge and charge.get("cost") is not None:
        charge["cost"] += _CENT
    return row


def no_charge(row: Row) -> Row:
    """The charge back figures have other names."""
    if "chargeback" in row:
        row["showback"] = row.pop("chargeback")
    return row


def no_license_name(row: Row) -> Row:
    """The license's name has another name."""
    if "compliance" in row:
        row["title"] = row.pop("name")
    return row


def overridden(row: Row) -> Row:
    """Somebody overrode the consumption of the row: it is recharged one right more."""
    if "chargeback" in row:
        row["overriddenConsumption"] = row["chargeback"]["consumption"] + 1
        _recharge(row, row["overriddenConsumption"])
    return row


def allocated_without_install(row: Row) -> Row:
    """The license is allocated to the device, and the software is not installed on it."""
    return row | {"allocated": True, "consumingInstallations": 0} if "chargeback" in row else row


def peak_on_rows(row: Row) -> Row:
    """The row is recharged its part of the period's peak, 2 % more than of what is in use."""
    if "chargeback" in row:
        _recharge(row, row["chargeback"]["consumption"] * Decimal("1.02"))
    return row


def tiers_on_rows(row: Row) -> Row:
    """The machine is put into the tiers of the price list by itself, so that its cores count as the dear first ones."""
    if row.get("chargeback", {}).get("approach") == TIERED_APPROACH:
        device = row["device"]
        _recharge(row, tiered(min(Decimal(device[name]) for name in _CAPACITIES if name in device)))
    return row


def nobody_named(row: Row) -> Row:
    """The row names neither a device nor a user."""
    return row | {"device": None, "user": None} if "chargeback" in row else row


def unreadable_cells(row: Row) -> Row:
    """Members that no charge depends on hold words, lists and objects where a value is expected."""
    if "compliance" in row:
        row["compliance"]["purchasedEntitlementCount"] = "Unlimited"
        return row | {"expiryDate": "Never", "status": {"code": 1}, "version": ["19c", "21c"]}
    if "chargeback" in row:
        row["chargeback"]["approach"] = {"id": 1}
        for product in row.get("products", ()):
            product["isSupplementary"] = "perhaps"
        if row.get("device"):
            row["device"]["cores"] = "N/A"
    return row | {"consumingInstallations": "-", "hostConsumption": [8]}


def unreadable_rows(row: Row) -> Row:
    """Of ten rows one has a cost that is no number, and one a text in place of the object that consumes."""
    whose = "device" if row.get("device") else "user"
    if "chargeback" in row and row.get(whose):
        last_digit = row[whose]["id"] % 10
        if last_digit == 0:
            row["chargeback"]["cost"] = "1.000,00"
        if last_digit == 5:
            row[whose] = row[whose]["name"]
    return row


def structured_licenses(row: Row) -> Row:
    """The license holds its rules, restrictions and applications, as those of a tenant do."""
    if "compliance" not in row:
        return row
    compliance = dict(row["compliance"])
    compliance["Status"] = compliance.pop("status")
    compliance["availableEntitlementCount"] = compliance["purchasedEntitlementCount"]
    application = {
        "category": "Databases",
        "classification": "Commercial",
        "company": row["company"],
        "edition": row["edition"],
        "product": row["name"],
        "version": row["version"],
    }
    return row | {
        "compliance": compliance,
        "rules": {"metric": row["type"], "points": [{"processor": "Intel Xeon", "points": 70}], "cap": None},
        "restrictions": {
            "maxCoreCount": 64,
            "maxProcessorCount": None,
            "maxSocketCount": 2,
            "minProcessorCount": 1,
        },
        "applications": [application | {"version": version} for version in ("19c", "21c")],
    }


def contradicting_rows(row: Row) -> Row:
    """Rows charge three devices or users, each row with another name, host and owner."""
    for consumer in ("device", "user"):
        if row.get(consumer):
            row[consumer]["id"] = row[consumer]["id"] % 3 + 1
    return row


def several_rows(row: Row) -> Row:
    """Rows charge three devices or users, and say nothing else about them."""
    row = contradicting_rows(row) | {"host": None, "cluster": None} if "chargeback" in row else row
    for consumer in ("device", "user"):
        if row.get(consumer):
            row[consumer] = {"id": row[consumer]["id"]}
    return row


FORMS: dict[str, Callable[[Row], Row]] = {
    form.__name__: form
    for form in (
        numbers_as_text,
        bracketed_enums,
        extra_fields,
        missing_optional,
        empty_dates,
        null_members,
        odd_names,
        odd_quantities,
        unknown_type,
        groups_as_objects,
        twin_names,
        wrong_costs,
        no_charge,
        no_license_name,
        overridden,
        allocated_without_install,
        peak_on_rows,
        tiers_on_rows,
        nobody_named,
        unreadable_cells,
        unreadable_rows,
        structured_licenses,
        contradicting_rows,
        several_rows,
    )
}


def _recharge(row: Row, quantity: Decimal) -> None:
    """Recharge another quantity at the row's own price."""
    charge = row["chargeback"]
    charge["consumption"] = quantity
    if charge.get("costPerRight") is not None:
        charge["cost"] = (quantity * charge["costPerRight"]).quantize(_CENT, ROUND_HALF_UP)


def _mapped(row: Row, change: Change) -> Row:
    """A row with every member changed, at any depth, the innermost first."""
    return {name: change(name, _mapped_value(member, change)) for name, member in row.items()}


def _mapped_value(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        return _mapped(value, change)
    return [_mapped_value(item, change) for item in value] if isinstance(value, list) else value


def _objects(value: Any) -> Iterator[Row]:
    """Every object in a JSON value; its members are looked at before it is handed out."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    if isinstance(value, dict):
        for member in list(value.values()):
            yield from _objects(member)
        yield value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
