"""Calculations that count machines or users: points, floors per processor, devices, users."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from chargeback.examples.cases import (
    Case,
    License,
    Node,
    calculation,
    consumption,
    method,
    repeated,
    whole,
)
from chargeback.examples.inputs import Inputs, entry
from chargeback.examples.oracle import PROCESSOR_TYPE, cores_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from chargeback.methods import Method

_POINTS_PER_CORE = ("points_per_core", "points", "factor", "pvu_per_core")
_POINTS_PER_PROCESSOR = ("points_per_processor", "points", "factor", "points_per_core")


@calculation("core_points", "core_points_total", "core_points_vm", "pvu_points", "pvu_cores", "pvu_devices")
def core_points(inputs: Inputs) -> Case:
    """Cores times points per core; a machine without a rule counts nothing."""
    return _points(inputs, "core_points.device.v1", ("cores", "threads", "vcpus"), _POINTS_PER_CORE)


@calculation("processor_points", "processor_points_total")
def processor_points(inputs: Inputs) -> Case:
    """Processors times points per processor; a machine without a rule counts nothing."""
    return _points(
        inputs, "processor_points.device.v1", ("processors", "sockets", "cpus"), _POINTS_PER_PROCESSOR
    )


def _points(inputs: Inputs, method_id: str, counted: tuple[str, ...], points: tuple[str, ...]) -> Case:
    column = "cores" if "cores" in counted else "sockets"
    devices = [
        (name, entry(value, counted[0]))
        for name, value in inputs.entries("devices", "servers", "hosts", prefix="device")
    ]
    if not inputs.is_given("devices", "servers", "hosts"):
        devices = [("device", inputs)]
    nodes = []
    for name, device in devices:
        per_unit = device.number_or_none(*points)
        node = {
            "node_id": name,
            "node_type": "device",
            column: _units(device, counted),
            "processor_type": device.value(*PROCESSOR_TYPE),
            "points_per_core": inputs.number_or_none(*points) if per_unit is None else per_unit,
        }
        nodes += repeated([node], device.number("count", default=1))
    return Case([License(method=method(method_id), nodes=nodes)], consumption)


def _units(device: Inputs, names: tuple[str, ...]) -> Decimal | None:
    """Cores or processors; a virtual machine counts the threads it may use; None where they are null."""
    is_virtual = device.flag("vm", "virtual", "is_vm", "is_virtual", default=False)
    in_order = (*names[1:], names[0]) if is_virtual and "threads" in names else names
    if device.has(*in_order) or "cores" not in names:
        return device.number_or_none(*in_order) if device.is_given(*in_order) else device.number(*in_order)
    return cores_of(device)


@calculation("floor_per_cpu", "vmware_cores", each="cores_per_cpu")
def floor_per_processor(inputs: Inputs) -> Case:
    """Cores of a processor, with a floor."""
    return _floor(inputs, Decimal(1))


@calculation("floor_estate", "vmware_estate", "floor_host")
def floor_estate(inputs: Inputs) -> Case:
    """Cores of many hosts, with a floor for each processor."""
    entries = inputs.value("hosts")
    if isinstance(entries, list | dict):
        hosts = [entry(value, "cores") for _, value in inputs.entries("hosts", prefix="host")]
        nodes = [
            node | {"node_id": f"host{number} {node['node_id']}"}
            for number, host in enumerate(hosts, start=1)
            for node in _floored_hosts(host, host.number("count", default=1))
        ]
        return Case([License(method=_floor_method(inputs), nodes=nodes)], consumption)
    return _floor(inputs, inputs.number("hosts", "servers", "count", default=1))


def _floor(inputs: Inputs, count: Decimal) -> Case:
    return Case([License(method=_floor_method(inputs), nodes=_floored_hosts(inputs, count))], consumption)


def _floor_method(inputs: Inputs) -> Method:
    floor = inputs.number_or_none("floor", "min_per_cpu", "min_per_processor", "minimum")
    return method("vmware_core.host.v1", minimum_per_processor=floor)


def _floored_hosts(inputs: Inputs, count: Decimal) -> list[Node]:
    processors = inputs.number("cpus_per_host", "cpus", "processors", "sockets", default=1)
    per_processor = inputs.number_or_none("cores_per_cpu", "cores_per_processor", "cores_per_socket")
    cores = inputs.number("cores") if per_processor is None else processors * per_processor
    node = {"node_id": "host", "node_type": "device", "sockets": processors, "cores": cores}
    return repeated([node], count)


@calculation("per_device", "device", "devices", each="licensable_installs")
def per_device(inputs: Inputs) -> Case:
    """Installations, several of which one right may cover; the license rounds up once."""
    return _installations(inputs)


def _installations(inputs: Inputs) -> Case:
    names = ("licensable_installs", "installs", "devices")
    nodes = [
        {
            "node_id": name,
            "node_type": "device",
            "installations": entry(value, "installs").number(
                "installs", "licensable_installs", "installations"
            ),
        }
        for name, value in inputs.entries(*names, prefix="device")
    ]
    if not nodes and not inputs.is_given(*names):
        raise inputs.missing("licensable_installs")
    covered = inputs.limit("max_installs_per_right", "installs_per_right", "max_installs", default=Decimal(1))
    rule = method(
        "device.installations.v1",
        units_per_right=Decimal("Infinity") if covered is None else covered,
    )
    return Case([License(method=rule, nodes=nodes)], consumption)


@calculation("per_user", "user", "users", "saas_user")
def per_user(inputs: Inputs) -> Case:
    """Each user counts once, on however many devices."""
    if inputs.has("licensable_installs", "installs"):
        return _installations(inputs)
    return _each_user("user.each.v1", _accounts(inputs, "users", "allocated_users", "allocated"))


@calculation("named_user", "named_users")
def named_user(inputs: Inputs) -> Case:
    """Users to whom the license is allocated; those who only use it do not count."""
    allocated = _accounts(inputs, "allocated_users", "allocated", "users")
    listed = _accounts(inputs, "users") if inputs.has("users") else []
    return _each_user("user.allocated.v1", list(dict.fromkeys([*allocated, *listed])), allocated)


def _accounts(inputs: Inputs, *names: str) -> list[str]:
    value = inputs.value(*names)
    if isinstance(value, list | dict):
        return [str(name) for name in value]
    users = range(1, whole(inputs.number(*names), names[0]) + 1)
    return [f"user{number}" for number in users]


def _each_user(method_id: str, accounts: Sequence[str], allocated: Collection[str] = ()) -> Case:
    nodes = [
        {"node_id": account, "node_type": "user", "account_id": account, "is_allocated": account in allocated}
        for account in accounts
    ]
    return Case([License(method=method(method_id), nodes=nodes)], consumption)
