"""Calculations of Microsoft licenses: cores of servers with their minimums, and virtual machines by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from chargeback.examples.cases import (
    Answer,
    Calculation,
    Case,
    Count,
    InputError,
    License,
    Node,
    Number,
    calculation,
    consumption,
    method,
    single,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_ON_HOST = {"host_node_id": "host 1", "parent_node_id": "host 1"}


class Server(Calculation, kw_only=True):
    """A physical server by its processors; `socket_cores` gives the cores of each."""

    processors: Number = Number(1)
    cores_per_processor: Number | None = None
    socket_cores: list[Number] | None = None
    min_per_processor: Number | None = None
    pack: Number | None = None

    @property
    def server(self) -> Node:
        """The node of the server."""
        if self.socket_cores is not None:
            cores: dict[str, object] = {
                "sockets": Number(len(self.socket_cores)),
                "socket_cores": self.socket_cores,
                "cores": sum(self.socket_cores),
            }
        elif self.cores_per_processor is None:
            raise InputError("missing input `cores_per_processor`")
        else:
            cores = {"sockets": self.processors, "cores": self.processors * self.cores_per_processor}
        return {"node_type": "host", **cores}


Machines = Count | dict[str, Number]


def _machines(machines: Machines) -> list[Node]:
    """Virtual machines by their number, or by name with their cores."""
    if isinstance(machines, int):
        machines = {f"vm{number}": Number(1) for number in range(1, machines + 1)}
    return [
        {"node_id": name, "node_type": "virtual_machine", "cores": cores} for name, cores in machines.items()
    ]


class WindowsServer(Server, kw_only=True):
    """What Windows Server asks of a server: layers of machines, and floors for a processor and the server."""

    edition: str = "Standard"
    weight: Literal["equal", "cores"] = "equal"
    min_per_server: Number | None = None
    vms_per_license: Number | None = None

    def windows(self, scope: str) -> Method:
        """The method of the edition."""
        is_datacenter = self.edition.lower().startswith("data")
        rule = "datacenter.v1" if is_datacenter else "standard.host.v1"
        return method(
            f"microsoft_windows_server.{rule}",
            scope=scope,
            weight=self.weight,
            minimum_per_processor=self.min_per_processor,
            minimum_per_device=self.min_per_server,
            machines_per_layer=None if is_datacenter else self.vms_per_license,
            units_per_right=self.pack,
        )


@calculation("windows_cores")
class WindowsCores(WindowsServer, kw_only=True):
    """What a server counts for the virtual machines on it."""

    each: ClassVar[str | None] = "vms"
    vms: Machines = 0

    def case(self) -> Case:
        server = {**self.server, "node_id": "host 1"}
        machines = [{**machine, **_ON_HOST} for machine in _machines(self.vms)]
        nodes = [server, *machines] if machines else [{**server, "node_type": "device"}]
        return single(self.windows("host"), nodes)


@calculation("windows_cluster_host")
class WindowsClusterHost(WindowsServer, kw_only=True):
    """What each host of a cluster counts where any machine of the cluster may run on it."""

    each: ClassVar[str | None] = "cluster_vms"
    cluster_vms: Machines
    hosts: Count = 1

    def case(self) -> Case:
        in_cluster = {"cluster_node_id": "cluster", "parent_node_id": "cluster"}
        nodes = [
            {**self.server, "node_id": f"host {number}", **in_cluster} for number in range(1, self.hosts + 1)
        ]
        nodes.append({"node_id": "cluster", "node_type": "cluster"})
        nodes += [
            {**machine, "cluster_node_id": "cluster", **_ON_HOST} for machine in _machines(self.cluster_vms)
        ]
        return single(self.windows("cluster"), nodes)


class VirtualCores(Calculation, kw_only=True):
    """Virtual machines by their own cores."""

    vm_vcores: list[Number] | dict[str, Number]
    min_per_vm: Number | None = None

    @property
    def machines(self) -> list[Node]:
        """A node for each machine."""
        if isinstance(self.vm_vcores, dict):
            return _machines(self.vm_vcores)
        return _machines({f"vm{number}": cores for number, cores in enumerate(self.vm_vcores, start=1)})


@calculation("windows_per_vm")
class WindowsPerMachine(VirtualCores, kw_only=True):
    """Virtual machines licensed by their own cores, with a floor for each and one for the customer."""

    min_per_customer: Number | None = None

    def case(self) -> Case:
        rule = method(
            "microsoft_windows_server.virtual_machine.v1",
            minimum_per_device=self.min_per_vm,
            minimum_per_license=self.min_per_customer,
        )
        return single(rule, self.machines)


@calculation("sql_per_vm")
class SqlPerMachine(VirtualCores, kw_only=True):
    """Each machine by its own virtual cores, with a floor."""

    def case(self) -> Case:
        rule = method("microsoft_sql_server.virtual_machine.v1", minimum_per_device=self.min_per_vm)
        return Case([License(method=rule, nodes=self.machines)], _each_machine)


def _each_machine(results: Sequence[Result]) -> Answer:
    [result] = results
    answer = consumption(results)
    items = [
        value for name, value in result.quantities.items() if name in result.shares and value is not None
    ]
    return Answer(number=answer.number, items=items, shares=answer.shares, figures=answer.figures)


@calculation("sql_physical")
class SqlPhysical(Server, kw_only=True):
    """All cores of a server, with a floor for each processor; they cover any number of machines on it."""

    vms: Machines = 0

    def case(self) -> Case:
        server = {**self.server, "node_id": "host 1"}
        machines = [{**machine, **_ON_HOST} for machine in _machines(self.vms)]
        rule = method(
            "microsoft_sql_server.physical.v1",
            minimum_per_processor=self.min_per_processor,
            units_per_right=self.pack,
        )
        return single(rule, [*machines, server if machines else {**server, "node_type": "device"}])


@calculation("packs")
class Packs(Calculation, kw_only=True):
    """Licenses sold in packs: a pack that is begun counts in full."""

    units: Number
    pack: Number = Number(2)

    def case(self) -> Case:
        if self.pack <= 0:
            raise InputError(f"input pack is {self.pack}, not more than 0")
        node = {"node_id": "all", "node_type": "device", "installations": self.units}
        return single(method("device.installations.v1", units_per_right=self.pack), [node])
