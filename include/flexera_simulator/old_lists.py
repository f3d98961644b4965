"""The lists of the older style: `limit` and `offset` in, `values`, `total` and `offset` out."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from flexera_simulator.envelope import ApiError
from flexera_simulator.json_text import encode

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from flexera_simulator.tenant import Tenant

LISTS = ("license-attributes", "license-entitlements", "inventories")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

Row = dict[str, Any]


def rows_of(name: str, tenant: Tenant, day: datetime.date) -> list[Row]:
    """Every row of a list, from the same licenses and devices as the newer endpoints show."""
    licenses = [_DECODER.decode(body) for body in tenant.license_bodies(day)]
    if name == "license-attributes":
        return [_attributes(license_) for license_ in licenses]
    if name == "license-entitlements":
        return [_entitlements(license_) for license_ in licenses]
    return list(_inventories(tenant, day, [str(license_["id"]) for license_ in licenses]))


def page(rows: list[Row], params: dict[str, str], most_rows: int) -> bytes:
    """The rows from `offset` on; `total` counts those of this answer, so that 0 is the end."""
    offset = _whole(params, "offset", 0)
    values = rows[offset : offset + min(_whole(params, "limit", most_rows), most_rows)]
    return encode({"values": values, "total": len(values), "offset": offset})


def _attributes(license_: Row) -> Row:
    return {
        "licenseId": license_["id"],
        "licenseName": license_["name"],
        "publisher": license_["company"]["name"],
        "version": license_["version"],
        "edition": license_["edition"],
        "licenseStatus": f"[{license_['status']}]",
        "licenseDuration": "[Perpetual]",
        "licenseType": f"[{license_['type']}]",
        "expiryDate": license_["expiryDate"] or "",
    }


def _entitlements(license_: Row) -> Row:
    figures = license_["compliance"]
    purchased, consumed = figures["purchasedEntitlementCount"], figures["consumedEntitlementCount"]
    return {
        "licenseId": license_["id"],
        "available": str(purchased - consumed),
        "extra": "0",
        "consumed": consumed,
    }


def _inventories(tenant: Tenant, day: datetime.date, license_ids: list[str]) -> Iterator[Row]:
    """Each device that consumes a license, once."""
    seen = set()
    for license_id in license_ids:
        count = tenant.row_count(day, license_id) or 0
        for body in tenant.row_bodies(day, license_id, 0, count):
            row = _DECODER.decode(body)
            device = row["device"]
            if device and device["id"] not in seen:
                seen.add(device["id"])
                yield _inventory(device, row["host"], day)


def _inventory(device: Row, host: Row | None, day: datetime.date) -> Row:
    return {
        "computerId": device["id"],
        "name": device["name"],
        "deviceType": device["type"],
        "hostId": host["id"] if host else "",
        "inventorySourceData": {"lastInventoryDate": f"{day.isoformat()}T00:00:00Z", "status": "Active"},
    }


def _whole(params: dict[str, str], name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ApiError(400, f"{name} must be a whole number")
    return int(text)
