"""License and consumption rows in the API's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from flexera_simulator.json_text import encode
from flexera_simulator.recharge import plain

if TYPE_CHECKING:
    from decimal import Decimal

    from flexera_simulator.estate import Machine
    from flexera_simulator.licenses import ClusterFigures, HostFigures, License, Line
    from flexera_simulator.organization import Owner, Person


def license_row(license_: License, consumed: Decimal) -> dict[str, Any]:
    """One element of the license list."""
    purchased = int(consumed) * (100 + license_.surplus_percent) // 100
    return {
        "id": license_.id,
        "name": license_.name,
        "type": license_.type,
        "company": {"name": license_.publisher},
        "status": license_.status,
        "edition": license_.edition,
        "version": license_.version,
        "expiryDate": license_.expiry_date,
        "compliance": {
            "status": "At risk" if consumed > purchased else "Compliant",
            "purchasedEntitlementCount": purchased,
            "consumedEntitlementCount": plain(consumed),
        },
    }


def with_total_raised(body: bytes, by: int) -> bytes:
    """A license as JSON text whose consumed total is greater, as after another reconciliation."""
    row: dict[str, Any] = msgspec.json.decode(body)
    row["compliance"]["consumedEntitlementCount"] += by
    return encode(row)


def consumption_row(line: Line, price: Decimal | None, cost: Decimal | None) -> dict[str, Any]:
    """One element of a license's consumption."""
    row: dict[str, Any] = {
        "device": None if line.machine is None else _device(line.machine, line.shows_capacity),
        "user": None if line.user is None else _user(line.user),
        "host": None if line.host is None else _host(line.host),
        "cluster": None if line.cluster is None else _cluster(line.cluster),
    }
    if line.instances:
        row["instances"] = [{"name": name} for name in line.instances]
    if line.products:
        row["products"] = [{"name": name, "isSupplementary": extra} for name, extra in line.products]
    row |= {
        "consumingInstallations": line.installations,
        "consumption": plain(line.consumption),
        "hostConsumption": None if line.host_consumption is None else plain(line.host_consumption),
    }
    if line.eligible_for_sub_capacity is not None:
        row["eligibleForSubCapacity"] = line.eligible_for_sub_capacity
    if line.allocated is not None:
        row["allocated"] = line.allocated
    row["chargeback"] = {
        "costPerRight": price,
        "consumption": plain(line.recharged),
        "cost": cost,
        "approach": line.approach,
    }
    return row


def _device(machine: Machine, shows_capacity: bool) -> dict[str, Any]:
    device: dict[str, Any] = {
        "id": machine.id,
        "name": machine.name,
        "type": machine.kind,
        "cores": machine.cores,
    }
    if machine.kind in ("Computer", "VM Host"):
        device["processors"] = machine.sockets
    if shows_capacity and machine.capped_cores is not None:
        device["cappedCores"] = plain(machine.capped_cores)
    if shows_capacity and machine.pool is not None:
        device["resourcePools"] = [{"name": machine.pool.name, "cappedCores": machine.pool.cores}]
    return device | _owner(machine.owner)


def _user(person: Person) -> dict[str, Any]:
    return {"id": person.id, "name": person.name} | _owner(person.owner)


def _owner(owner: Owner) -> dict[str, Any]:
    return {
        "location": owner.location,
        "costCenter": owner.cost_center,
        "corporateUnit": owner.corporate_unit,
    }


def _host(figures: HostFigures) -> dict[str, Any]:
    host: dict[str, Any] = {
        "id": figures.host.id,
        "name": figures.host.name,
        "cores": figures.host.cores,
        "installedCores": plain(figures.installed_cores),
        "consumingCores": plain(figures.consuming_cores),
    }
    if figures.points_per_core is not None:
        host["pointsPerCore"] = plain(figures.points_per_core)
    return host


def _cluster(figures: ClusterFigures) -> dict[str, Any]:
    return {
        "id": figures.cluster.id,
        "name": figures.cluster.name,
        "cores": figures.cores,
        "installedCores": plain(figures.installed_cores),
        "consumingCores": plain(figures.consuming_cores),
    }
