"""A tenant with any number of plain rows, for measuring throughput."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flexera_simulator.json_text import decimal_text, encode

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

FIRST_LICENSE_ID = 500_001
VM_CORES = (2, 4, 4, 8)
VMS_PER_HOST = 8
HOSTS_PER_CLUSTER = 4
PUBLISHERS = ("Oracle", "IBM", "Microsoft", "VMware", "SAP", "Adobe", "Red Hat", "Citrix")
SITES = ("EMEA/France/Lyon", "EMEA/Germany/Munich", "AMER/USA/Austin", "APAC/Japan/Osaka")

_VM_ROW = (
    b'{"device":{"id":%d,"name":"load-vm-%07d","type":"Virtual Machine","cores":%d,"location":"%s",'
    b'"costCenter":%s,"corporateUnit":"Group/Load/Unit-%02d"},"user":null,'
    b'"host":{"id":%d,"name":"load-host-%06d","cores":%d,"installedCores":%d,"consumingCores":%d},'
    b'"cluster":{"id":%d,"name":"load-cluster-%05d","cores":%d,"installedCores":%d,"consumingCores":%d},'
    b'"instances":[{"name":"load%07d~MAIN"}],"products":[{"name":"%s","isSupplementary":false}],'
    b'"consumingInstallations":1,"consumption":%d,"hostConsumption":%d,'
    b'"chargeback":{"costPerRight":%s,"consumption":%d,"cost":%s,"approach":"Cores of the virtual machine"}}'
)
_USER_ROW = (
    b'{"device":null,"user":{"id":%d,"name":"load.user%07d","location":"%s","costCenter":%s,'
    b'"corporateUnit":"Group/Load/Unit-%02d"},"host":null,"cluster":null,'
    b'"products":[{"name":"%s","isSupplementary":false}],"consumingInstallations":1,"consumption":1,'
    b'"hostConsumption":null,"chargeback":{"costPerRight":%s,"consumption":1,"cost":%s,'
    b'"approach":"One right per user"}}'
)


def cores_of_first(count: int) -> int:
    """The cores of the first `count` virtual machines."""
    rounds, rest = divmod(count, len(VM_CORES))
    return rounds * sum(VM_CORES) + sum(VM_CORES[:rest])


class LoadTenant:
    """Licenses whose sizes fall off like 1, 1/2, 1/3 ...; every fifth one is counted in users."""

    def __init__(self, licenses: int, rows: int, seed: int) -> None:
        self._licenses = licenses
        self._rows = rows
        self._seed = seed

    @cached_property
    def _starts(self) -> list[int]:
        """The number of rows before each license, and after the last."""
        weights = [10**9 // (number + 1) for number in range(self._licenses)]
        total, passed, starts = sum(weights), 0, [0]
        for weight in weights:
            passed += weight
            starts.append(self._rows * passed // total)
        return starts

    def license_bodies(self, day: datetime.date) -> list[bytes]:
        return [encode(self._license(day, number)) for number in range(self._licenses)]

    def row_count(self, day: datetime.date, license_id: str) -> int | None:  # noqa: ARG002
        number = self._number(license_id)
        return None if number is None else self._starts[number + 1] - self._starts[number]

    def row_bodies(self, day: datetime.date, license_id: str, start: int, count: int) -> Iterator[bytes]:
        number = self._number(license_id)
        if number is None:
            return
        size = self._starts[number + 1] - self._starts[number]
        render = self._user_row if _is_user_license(number) else self._vm_row
        product, price = self._name(number).encode(), self._price(day, number)
        for index in range(start, min(start + count, size)):
            yield render(number, index, size, product, price)

    def totals(self, day: datetime.date) -> dict[str, Any]:
        licenses = {}
        consumption, cost = 0, Decimal(0)
        for number in range(self._licenses):
            size = self._starts[number + 1] - self._starts[number]
            recharged = self._consumed(number)
            charge = recharged * self._price(day, number)
            consumption, cost = consumption + recharged, cost + charge
            licenses[str(FIRST_LICENSE_ID + number)] = {
                "name": self._name(number),
                "type": "User" if _is_user_license(number) else "Core Points",
                "row_count": size,
                "recharged_consumption": str(recharged),
                "recharged_cost": decimal_text(charge),
            }
        return {
            "recharged_cost": decimal_text(cost),
            "recharged_consumption": str(consumption),
            "row_count": self._rows,
            "licenses": licenses,
        }

    def _number(self, license_id: str) -> int | None:
        if not (license_id.isascii() and license_id.isdigit()):
            return None
        number = int(license_id) - FIRST_LICENSE_ID
        return number if 0 <= number < self._licenses else None

    def _name(self, number: int) -> str:
        return f"Load License {number + 1:05d}"

    def _price(self, day: datetime.date, number: int) -> Decimal:
        cents = 1_000 + (number * 7_919 + self._seed * 31 + day.month * 17) % 90_000
        return Decimal(cents).scaleb(-2)

    def _consumed(self, number: int) -> int:
        size = self._starts[number + 1] - self._starts[number]
        return size if _is_user_license(number) else cores_of_first(size)

    def _license(self, day: datetime.date, number: int) -> dict[str, Any]:
        consumed = self._consumed(number)
        return {
            "id": FIRST_LICENSE_ID + number,
            "name": self._name(number),
            "type": "User" if _is_user_license(number) else "Core Points",
            "company": {"name": PUBLISHERS[number % len(PUBLISHERS)]},
            "status": "Active",
            "edition": None,
            "version": str(day.year),
            "expiryDate": None,
            "compliance": {
                "status": "Compliant",
                "purchasedEntitlementCount": consumed + 10,
                "consumedEntitlementCount": consumed,
            },
        }

    def _vm_row(self, number: int, index: int, size: int, product: bytes, price: Decimal) -> bytes:
        cores = VM_CORES[index % len(VM_CORES)]
        host, cluster = index // VMS_PER_HOST, index // (VMS_PER_HOST * HOSTS_PER_CLUSTER)
        host_cores = _cores_between(host * VMS_PER_HOST, VMS_PER_HOST, size)
        per_cluster = VMS_PER_HOST * HOSTS_PER_CLUSTER
        cluster_cores = _cores_between(cluster * per_cluster, per_cluster, size)
        first = number * 10_000_000
        return _VM_ROW % (
            first + index + 1, index + 1, cores, _site(index), _cost_center(index), index % 40,
            first + 8_000_001 + host, host + 1, host_cores, host_cores, host_cores,
            first + 9_000_001 + cluster, cluster + 1, cluster_cores, cluster_cores, cluster_cores,
            index + 1, product, cores, host_cores,
            str(price).encode(), cores, str(price * cores).encode(),
        )  # fmt: skip

    def _user_row(self, number: int, index: int, size: int, product: bytes, price: Decimal) -> bytes:  # noqa: ARG002
        text = str(price).encode()
        return _USER_ROW % (
            index + 1, index + 1, _site(index), _cost_center(index), index % 40, product, text, text,
        )  # fmt: skip


def _is_user_license(number: int) -> bool:
    return number % 5 == 4


def _site(index: int) -> bytes:
    return SITES[index % len(SITES)].encode()


def _cost_center(index: int) -> bytes:
    return b"null" if index % 50 == 0 else b'"Load/CC-%04d"' % (index % 300)


def _cores_between(start: int, count: int, size: int) -> int:
    return cores_of_first(min(start + count, size)) - cores_of_first(start)
