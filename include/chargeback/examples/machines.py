"""Calculations that count machines or users: points, floors per processor, devices, users."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from chargeback.examples.cases import (
    Calculation,
    Case,
    Count,
    Entries,
    Entry,
    Node,
    Number,
    calculation,
    method,
    named,
    repeated,
    single,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class Machine(Entry):
    """A machine by its cores, or its processors times their cores; `factor` is its points or core factor."""

    cores: Number | None = None
    processors: Number | None = None
    cores_per_processor: Number | None = None
    factor: Number | None = None
    processor_type: str | None = None
    count: Count = 1
    name: str | None = None

    @property
    def all_cores(self) -> Number | None:
        """All cores of the machine; None where they are unknown."""
        if self.cores_per_processor is None:
            return self.cores
        return self.cores_per_processor * (1 if self.processors is None else self.processors)


class PointsMachine(Entry):
    """A machine with its points: per core, of which a virtual machine has as many as threads, or per processor."""

    cores: Number | None = None
    threads: Number | None = None
    processors: Number | None = None
    cores_per_processor: Number | None = None
    points_per_core: Number | None = None
    points_per_processor: Number | None = None
    processor_type: str | None = None
    vm: bool = False
    count: Count = 1
    name: str | None = None

    @property
    def counted_cores(self) -> Number | None:
        """The cores that count; None where they are unknown."""
        if self.vm and self.threads is not None:
            return self.threads
        if self.cores_per_processor is None:
            return self.cores
        return self.cores_per_processor * (1 if self.processors is None else self.processors)


@calculation("core_points")
class CorePoints(Calculation, kw_only=True):
    """Cores times points per core; a machine without a rule counts nothing."""

    devices: list[PointsMachine] | dict[str, PointsMachine] | None = None
    cores: Number | None = None
    points_per_core: Number | None = None
    processor_type: str | None = None
    vm: bool = False
    count: Count = 1

    def case(self) -> Case:
        alone = PointsMachine(
            cores=self.cores,
            points_per_core=self.points_per_core,
            processor_type=self.processor_type,
            vm=self.vm,
            count=self.count,
        )
        devices = {"device": alone} if self.devices is None else self.devices
        nodes = _points_nodes(
            devices,
            lambda device: {
                "cores": device.counted_cores,
                "processor_type": device.processor_type,
                "points_per_core": device.points_per_core,
            },
        )
        return single(method("core_points.device.v1"), nodes)


@calculation("processor_points")
class ProcessorPoints(Calculation, kw_only=True):
    """Processors times points per processor; a machine without a rule counts nothing."""

    devices: list[PointsMachine] | dict[str, PointsMachine]

    def case(self) -> Case:
        nodes = _points_nodes(
            self.devices,
            lambda device: {"sockets": device.processors, "points_per_core": device.points_per_processor},
        )
        return single(method("processor_points.device.v1"), nodes)


def _points_nodes(devices: Entries, figures: Callable[[PointsMachine], Node]) -> list[Node]:
    """A node for each of the devices, with the figures that count."""
    return [
        node
        for name, device in named(devices, PointsMachine, "device")
        for node in repeated([{"node_id": name, "node_type": "device", **figures(device)}], device.count)
    ]


class FloorHost(Entry):
    """Hosts alike, with so many processors of so many cores."""

    cores_per_cpu: Number
    cpus_per_host: Number = Number(1)
    count: Count = 1
    name: str | None = None

    def nodes(self, name: str) -> list[Node]:
        """A node for each of the hosts."""
        node = {
            "node_id": name,
            "node_type": "device",
            "sockets": self.cpus_per_host,
            "cores": self.cpus_per_host * self.cores_per_cpu,
        }
        return repeated([node], self.count)


@calculation("floor_per_cpu")
class FloorPerProcessor(Calculation, kw_only=True):
    """Cores of a processor, with a floor."""

    each: ClassVar[str | None] = "cores_per_cpu"
    cores_per_cpu: Number
    cpus_per_host: Number = Number(1)
    floor: Number | None = None

    def case(self) -> Case:
        host = FloorHost(cores_per_cpu=self.cores_per_cpu, cpus_per_host=self.cpus_per_host)
        return single(method("vmware_core.host.v1", minimum_per_processor=self.floor), host.nodes("host"))


@calculation("floor_estate")
class FloorEstate(Calculation, kw_only=True):
    """Cores of many hosts, with a floor for each processor."""

    hosts: Count | list[FloorHost]
    cpus_per_host: Number = Number(1)
    cores_per_cpu: Number | None = None
    floor: Number | None = None

    def case(self) -> Case:
        rule = method("vmware_core.host.v1", minimum_per_processor=self.floor)
        if isinstance(self.hosts, list):
            hosts = [(f"host{number} {host.name}", host) for number, host in enumerate(self.hosts, start=1)]
            return single(rule, [node for name, host in hosts for node in host.nodes(name)])
        alike = FloorHost(
            cores_per_cpu=self.cores_per_cpu or Number(0), cpus_per_host=self.cpus_per_host, count=self.hosts
        )
        return single(rule, alike.nodes("host"))


@calculation("per_device")
class PerDevice(Calculation, kw_only=True):
    """Installations, several of which one right may cover; the license rounds up once."""

    licensable_installs: Number
    max_installs_per_right: Number | None = Number(1)

    def case(self) -> Case:
        covered = self.max_installs_per_right
        rule = method(
            "device.installations.v1", units_per_right=Number("Infinity") if covered is None else covered
        )
        node = {"node_id": "device1", "node_type": "device", "installations": self.licensable_installs}
        return single(rule, [node])


@calculation("per_user")
class PerUser(Calculation, kw_only=True):
    """Each user counts once, on however many devices."""

    users: Count | list[str]

    def case(self) -> Case:
        return _each_user("user.each.v1", list(dict.fromkeys(_accounts(self.users))))


@calculation("named_user")
class NamedUser(Calculation, kw_only=True):
    """Users to whom the license is allocated; those who only use it do not count."""

    allocated_users: Count | list[str]
    users: list[str] = msgspec.field(default_factory=list)

    def case(self) -> Case:
        allocated = _accounts(self.allocated_users)
        return _each_user("user.allocated.v1", list(dict.fromkeys([*allocated, *self.users])), allocated)


def _accounts(users: int | Sequence[str]) -> list[str]:
    return [f"user{number}" for number in range(1, users + 1)] if isinstance(users, int) else list(users)


def _each_user(method_id: str, accounts: Sequence[str], allocated: Collection[str] = ()) -> Case:
    nodes = [
        {"node_id": account, "node_type": "user", "account_id": account, "is_allocated": account in allocated}
        for account in accounts
    ]
    return single(method(method_id), nodes)
