"""Calculations of IBM licenses: capacity through caps and pools, partitions of Power servers, tiers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

from chargeback.examples.cases import (
    Answer,
    Calculation,
    Case,
    Count,
    Entry,
    InputError,
    License,
    Node,
    Number,
    calculation,
    consumption,
    method,
    named,
    repeated,
    single,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_HOST = "host"
# Behind the name of a pool, so that a machine may have the same.
_POOL = " (pool)"
_SHARED_POOL = f"shared{_POOL}"
# Behind the name of a host where there are several.
_OF_SEVERAL = " (host)"


class GuestMachine(Entry):
    """A virtual machine by its vCPUs, and what they are capped at; in a cloud its threads count."""

    vcpus: Number | None = None
    cap: Number | None = None
    cores: Number | None = None
    threads: Number | None = None
    processors: Number | None = None
    cloud: bool | None = None
    eligible: bool | None = None
    installed: bool | None = None
    count: Count = 1
    name: str | None = None

    def nodes(self, name: str, parent: str) -> list[Node]:
        """A node for each of the machines."""
        node = {
            "node_id": name,
            "node_type": "virtual_machine",
            "parent_node_id": parent,
            "host_node_id": _HOST,
            "cores": self.cores if self.vcpus is None else self.vcpus,
            "capped_cores": self.cap,
            "sockets": self.processors,
            "threads": self.threads,
            "is_cloud": self.cloud,
            "is_eligible_for_sub_capacity": self.eligible,
            "has_installation": self.installed,
        }
        return repeated([node], self.count)


GuestMachines = list[GuestMachine | Number] | dict[str, GuestMachine | Number]


def _machines(machines: GuestMachines | None, parent: str) -> list[Node]:
    return [
        node for name, machine in named(machines, GuestMachine, "vm") for node in machine.nodes(name, parent)
    ]


class Pool(Entry):
    """A resource pool with its cap, its machines, and pools in it."""

    cap: Number | None = None
    vms: GuestMachines = msgspec.field(default_factory=list)
    pools: dict[str, Pool] = msgspec.field(default_factory=dict)

    def nodes(self, name: str, parent: str, depth: int = 1) -> list[Node]:
        """The pool and all in it, two levels of pools at most."""
        if self.pools and depth > 1:
            raise InputError(f"pool {name} lies in pools three deep; two levels are possible")
        node_id = f"{name}{_POOL}"
        node = {
            "node_id": node_id,
            "node_type": "outer_pool" if self.pools else "pool",
            "parent_node_id": parent,
            "host_node_id": _HOST,
            "capped_cores": self.cap,
        }
        inner = [each for inner, pool in self.pools.items() for each in pool.nodes(inner, node_id, depth + 1)]
        return [node, *_machines(self.vms, node_id), *inner]


class Host(Entry):
    """A host with its machines and pools."""

    host_cores: Number | None = None
    vms: GuestMachines | None = None
    direct_vms: GuestMachines | None = None
    pools: dict[str, Pool] | None = None
    pvu_per_core: Number | None = None
    count: Count = 1
    name: str | None = None

    def nodes(self, points: Number | None, *, is_full: bool) -> list[Node]:
        """The host and all on it; a server by itself where no machines are given.

        A host that has no machine with the software counts nothing, unless it is licensed in full.
        """
        points = points if self.pvu_per_core is None else self.pvu_per_core
        size = {"cores": self.host_cores, "points_per_core": points}
        guests = [
            *_machines(self.vms, _HOST),
            *_machines(self.direct_vms, _HOST),
            *(node for name, pool in (self.pools or {}).items() for node in pool.nodes(name, _HOST)),
        ]
        is_alone = is_full or (self.vms is None and self.direct_vms is None and self.pools is None)
        if is_alone and not guests:
            return [{"node_id": "server", "node_type": "device", **size}]
        return [{"node_id": _HOST, "node_type": "host", **size}, *guests]


class Hosts(Calculation, kw_only=True):
    """One host, or several of which each has its machines and pools."""

    host_cores: Number | None = None
    pvu_per_core: Number | None = None
    vms: GuestMachines | None = None
    direct_vms: GuestMachines | None = None
    pools: dict[str, Pool] | None = None
    hosts: list[Host] | dict[str, Host] | None = None
    method: Literal["layered", "flat"] = "layered"

    def nodes(self, *, is_full: bool) -> list[Node]:
        """The nodes of all hosts; machines keep their names, the rest is its host's."""
        if self.hosts is None:
            host = Host(self.host_cores, self.vms, self.direct_vms, self.pools)
            return host.nodes(self.pvu_per_core, is_full=is_full)
        return [
            node
            for name, host in named(self.hosts, Host, "host")
            for node in repeated(
                [_of_host(name, node) for node in host.nodes(self.pvu_per_core, is_full=is_full)], host.count
            )
        ]


def _of_host(host: str, node: Node) -> Node:
    """A node of one of several hosts."""
    of_host = {
        column: f"{host}{_OF_SEVERAL}" if node[column] in (_HOST, "server") else f"{host} {node[column]}"
        for column in ("node_id", "parent_node_id", "host_node_id")
        if node.get(column) is not None
    }
    is_machine = node["node_type"] == "virtual_machine"
    return {**node, **of_host, "node_id": node["node_id"] if is_machine else of_host["node_id"]}


@calculation("pvu_host")
class PvuHost(Hosts, kw_only=True):
    """What a host counts, in sub-capacity or in full."""

    sub_capacity: bool = True

    def case(self) -> Case:
        rule = method(
            f"ibm_pvu.sub_capacity.{self.method}.v1" if self.sub_capacity else "ibm_pvu.full_capacity.v1"
        )
        return Case([License(method=rule, nodes=self.nodes(is_full=not self.sub_capacity))], _host_answer)


@calculation("pvu_layered")
class PvuLayered(Hosts, kw_only=True):
    """A host's units, and its machines' shares both by layers and flat."""

    sub_capacity: bool = True

    def case(self) -> Case:
        nodes = self.nodes(is_full=not self.sub_capacity)
        ways = [
            method(f"ibm_pvu.sub_capacity.{way}.v1", is_sub_capacity=self.sub_capacity)
            for way in (self.method, "layered", "flat")
        ]
        return Case([License(method=way, nodes=nodes) for way in ways], _variants)


def _variants(results: Sequence[Result]) -> Answer:
    wanted, layered, flat = results
    answer = _host_answer([wanted])
    ways = {"layered": _host_answer([layered]), "flat": _host_answer([flat])}
    return dataclasses.replace(answer, figures={**answer.figures, **ways})


def _host_answer(results: Sequence[Result]) -> Answer:
    [result] = results
    answer = consumption(results)
    top = _HOST if _HOST in result.capacities else "server"
    pools = {
        name.removesuffix(_POOL): value for name, value in result.capacities.items() if name.endswith(_POOL)
    }
    hosts = {
        name.removesuffix(_OF_SEVERAL): value
        for name, value in result.quantities.items()
        if name.endswith(_OF_SEVERAL)
    }
    figures: dict[str, Any] = {
        "eligible_cores": result.capacities.get(top, Number(0)),
        "host_pvu": result.quantities.get(top, Number(0)),
        "pools": pools,
        "hosts": hosts,
    }
    return dataclasses.replace(answer, figures={**answer.figures, **figures})


@calculation("vpc_host")
class VpcHost(Hosts, kw_only=True):
    """Virtual processor cores of a host, or of a physical server without virtual machines."""

    physical: bool = False

    def case(self) -> Case:
        rule = method(f"ibm_vpc.{self.method}.v1", factor=self.pvu_per_core)
        server = [{"node_id": "server", "node_type": "device", "cores": self.host_cores}]
        return Case(
            [License(method=rule, nodes=server if self.physical else self.nodes(is_full=False))], _host_answer
        )


class PowerServer(Calculation, kw_only=True):
    """Partitions of a Power server, and where their fractions round."""

    round_at: Literal["partition", "sum", "none"] = "partition"
    pvu_per_core: Number | None = None

    @property
    def rule(self) -> Method:
        """The method of the rounding."""
        if self.round_at == "none":
            return method("ibm_power.sum_rounding.v1", round_at="none", factor=self.pvu_per_core)
        return method(f"ibm_power.{self.round_at}_rounding.v1", factor=self.pvu_per_core)


def _partition(name: str, cores: Number | None, parent: str | None, host: str | None = None) -> Node:
    return {
        "node_id": name,
        "node_type": "virtual_machine",
        "cores": cores,
        "parent_node_id": parent,
        "host_node_id": host,
    }


def _shared_pool(cap: Number | None, host: str | None = None) -> list[Node]:
    node = {"node_id": _SHARED_POOL, "node_type": "pool", "capped_cores": cap}
    return [] if cap is None else [node | {"parent_node_id": host, "host_node_id": host}]


@calculation("lpar_cores")
class LparCores(PowerServer, kw_only=True):
    """What a partition counts: its entitled capacity if capped, else its virtual processors within its pool."""

    mode: Literal["capped", "uncapped", "dedicated"]
    entitled: Number | None = None
    virtual_processors: Number | None = None
    dedicated: Number | None = None
    pool_cores: Number | None = None

    def case(self) -> Case:
        counted = {
            "capped": ("entitled", self.entitled),
            "uncapped": ("virtual_processors", self.virtual_processors),
            "dedicated": ("dedicated", self.dedicated),
        }
        name, cores = counted[self.mode]
        if cores is None:
            raise InputError(f"missing input `{name}`")
        pool = None if self.mode == "dedicated" else self.pool_cores
        node = _partition("lpar1", cores, None if pool is None else _SHARED_POOL)
        node["capped_cores"] = self.pool_cores if self.mode == "uncapped" else None
        return single(self.rule, [node, *_shared_pool(pool)])


class Partition(Entry):
    """A partition: entitled capacity where it is capped, virtual processors where it is not."""

    entitled: Number | None = None
    virtual_processors: Number | None = None
    mode: Literal["capped", "uncapped"] | None = None
    name: str | None = None

    def counted(self, mode: str) -> Number:
        """What the partition counts in its mode, or in the one of its list."""
        is_uncapped = (self.mode or mode) == "uncapped" and self.virtual_processors is not None
        cores = self.virtual_processors if is_uncapped or self.entitled is None else self.entitled
        if cores is None:
            raise InputError("missing input `entitled` of a partition")
        return cores


Partitions = list[Partition | Number] | dict[str, Partition | Number] | None


class PartitionedServer(PowerServer, kw_only=True):
    """Dedicated and shared partitions, their shared pool, and the active processors as the limit."""

    dedicated: Partitions = None
    active_processors: Number | None = None

    def nodes(self, shared: Sequence[tuple[str, Partitions]], pool: Number | None) -> list[Node]:
        """The server, its pool and its partitions; those shared come by mode."""
        parent = _HOST if pool is None else _SHARED_POOL
        server = {"node_id": _HOST, "node_type": "host", "cores": self.active_processors}
        partitions = [
            _partition(name, partition.counted("capped"), _HOST, _HOST)
            for name, partition in named(self.dedicated, Partition, "dedicated")
        ]
        partitions += [
            _partition(name, partition.counted(mode), parent, _HOST)
            for mode, entries in shared
            for name, partition in named(entries, Partition, f"{mode} ")
        ]
        return [server, *_shared_pool(pool, _HOST), *partitions]


@calculation("power_server")
class PowerPartitions(PartitionedServer, kw_only=True):
    """A Power server: dedicated and shared partitions, the shared pool, and the active processors as the limit."""

    shared: Partitions = None
    shared_total: Number | None = None
    shared_capped: Partitions = None
    shared_uncapped: Partitions = None
    shared_pool: Number | None = None

    def case(self) -> Case:
        total: Partitions = None if self.shared_total is None else {"shared": self.shared_total}
        shared = [
            ("capped", self.shared),
            ("capped", total),
            ("capped", self.shared_capped),
            ("uncapped", self.shared_uncapped),
        ]
        return Case([License(method=self.rule, nodes=self.nodes(shared, self.shared_pool))], _host_answer)


@calculation("capped_group")
class CappedGroup(PartitionedServer, kw_only=True):
    """Capped partitions of a server together; where their fractions round is part of the rule."""

    round_at: Literal["partition", "sum", "none"] = "sum"
    entitled: Partitions
    uncapped: Partitions = None
    pool_cores: Number | None = None

    def case(self) -> Case:
        shared = [("capped", self.entitled), ("uncapped", self.uncapped)]
        return single(self.rule, self.nodes(shared, self.pool_cores))


@calculation("uncapped_group")
class UncappedGroup(PartitionedServer, kw_only=True):
    """Uncapped partitions of a server together, by their virtual processors."""

    round_at: Literal["partition", "sum", "none"] = "sum"
    virtual_processors: Partitions
    pool_cores: Number | None = None

    def case(self) -> Case:
        return single(self.rule, self.nodes([("uncapped", self.virtual_processors)], self.pool_cores))


Tier = tuple[Number | None, Number]


class CoresOf(Entry):
    """A consumer by its cores."""

    cores: Number
    name: str | None = None


@calculation("tiered")
class Tiered(Calculation, kw_only=True):
    """The tiers of a price list on a total, and what consumers share of it."""

    each: ClassVar[str | None] = "quantity"
    quantity: Number | None = None
    devices: list[CoresOf | Number] | dict[str, CoresOf | Number] | None = None
    tiers: list[Tier] | None = None
    ceil: bool = True

    def case(self) -> Case:
        if self.quantity is None and self.devices is None:
            raise InputError("missing input `quantity`")
        nodes = [
            {"node_id": name, "node_type": "device", "cores": device.cores}
            for name, device in named(self.devices, CoresOf, "device")
        ]
        rule = method("ibm_rvu.tiers.cores.v1", round_at="sum" if self.ceil else "none")
        return single(rule, nodes, quantity=self.quantity, tiers=_in_order(self.tiers))


def _in_order(tiers: list[Tier] | None) -> list[Tier] | None:
    """The tiers of the example, lowest first; None where it gives none and those of the product count."""
    if tiers is None:
        return None
    limits = [limit for limit, _ in tiers]
    if len(set(limits)) < len(limits):
        raise InputError("input tiers has two that end at the same limit")
    return sorted(tiers, key=lambda tier: (tier[0] is None, tier[0] or 0))
