"""Calculations of IBM licenses: capacity through caps and pools, partitions of Power servers, tiers."""

from __future__ import annotations

import dataclasses
import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chargeback.examples.cases import (
    Answer,
    Case,
    License,
    Node,
    calculation,
    consumption,
    method,
    repeated,
)
from chargeback.examples.inputs import InputError, Inputs, entry, flag, limit, number
from chargeback.examples.oracle import cores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_MACHINES = (
    ("vms", "machines", "lpars", "partitions"),
    ("direct_vms",),
    ("vm_vcpus", "vm_vcores", "vcpus", "virtual_cores", "vcores", "virtual_processors"),
)
_HOSTS = ("hosts", "servers")
_CORES = ("vcpus", "cores", "virtual_processors", "virtual_cores", "vcores")
_CAP = ("cap", "capped_cores", "capped", "entitled", "entitlement")
_POINTS = (
    "pvu_per_core",
    "points_per_core",
    "ratio",
    "conversion_ratio",
    "vpc_ratio",
    "factor",
    "core_factor",
)
_ENTITLED = (
    "entitled",
    "entitlement",
    "entitled_capacity",
    "entitled_processors",
    "entitled_units",
    "entitled_cores",
    "entitled_processing_units",
    "processing_units",
    "units",
    "capacity",
)
_VIRTUAL = ("virtual_processors", "vcpus", "processors")
# What a partition of each mode counts.
_COUNTED_BY = {
    "uncapped": _VIRTUAL,
    "capped": (*_ENTITLED, *_VIRTUAL),
    "dedicated": ("dedicated", "dedicated_processors", "dedicated_cores", "cores", *_VIRTUAL, *_ENTITLED),
}
_SHARED = (
    ("capped", ("shared", "shared_partitions", "partitions", "lpars")),
    ("capped", ("shared_total",)),
    ("capped", ("shared_capped", "capped", "entitled")),
    ("uncapped", ("shared_uncapped", "uncapped", "virtual_processors")),
)
_HOST = "host"
# Behind the name of a pool, so that a machine may have the same.
_POOL = " (pool)"
_SHARED_POOL = f"shared{_POOL}"
# Behind the name of a host where there are several.
_OF_SEVERAL = " (host)"
_POOL_CORES = ("pool_cores", "shared_pool", "pool_processors", "shared_pool_processors")
_HOST_CORES = ("host_cores", "physical_cores", "server_cores", "active_processors")
_ACTIVE = ("active_processors", "active", *_HOST_CORES[:3])


@calculation(
    "pvu_host",
    "pvu_hosts",
    "pvu",
    "pvu_sub_capacity",
    "pvu_subcapacity",
    "pvu_eligibility",
    "core_points_host",
)
def pvu_host(inputs: Inputs) -> Case:
    """What a host counts, in sub-capacity or in full."""
    is_full = _is_full(inputs)
    nodes = _hosts(inputs, lambda host: _host(host, is_full=is_full or _is_full(host)))
    return Case([License(method=_pvu(inputs), nodes=nodes)], _host_answer)


@calculation("pvu_full_capacity", "pvu_full")
def pvu_full(inputs: Inputs) -> Case:
    """What a host counts in full."""
    return pvu_host(inputs.with_value("sub_capacity", inputs.flag("sub_capacity", default=False)))


def _is_full(inputs: Inputs) -> bool:
    is_full = inputs.text("mode", "capacity", default="").startswith("full")
    return not inputs.flag("sub_capacity", "is_sub_capacity", default=not is_full)


def _pvu(inputs: Inputs) -> Method:
    if _is_full(inputs):
        return method("ibm_pvu.full_capacity.v1")
    return _by_layers(inputs, "ibm_pvu.sub_capacity.layered.v1", "ibm_pvu.sub_capacity.flat.v1")


def _by_layers(inputs: Inputs, layered: str, flat: str) -> Method:
    return method(layered if _layers(inputs) == "layered" else flat)


def _layers(inputs: Inputs) -> str:
    word = inputs.text("method", "layers", "variant", "policy", "split", default="layered")
    if word not in ("layered", "flat"):
        raise InputError(f"input method is {word!r}, not layered or flat")
    return word


@calculation(
    *("pvu_layered", "pvu_split", "vpc_layered", "pvu_layers", "pvu_layered_vs_flat", "pvu_layered_and_flat"),
    *("pvu_compare", "pvu_caps"),
)
def layered(inputs: Inputs) -> Case:
    """A host's units, and its machines' shares both by layers and flat."""
    nodes = _hosts(inputs, lambda host: _host(host, is_full=_is_full(inputs)))
    is_sub_capacity = not _is_full(inputs)
    by_layers = method("ibm_pvu.sub_capacity.layered.v1", is_sub_capacity=is_sub_capacity)
    flat = method("ibm_pvu.sub_capacity.flat.v1", is_sub_capacity=is_sub_capacity)
    wanted = flat if _layers(inputs) == "flat" else by_layers
    return Case([License(method=rule, nodes=nodes) for rule in (wanted, by_layers, flat)], _variants)


@calculation("pvu_flat", "vpc_flat")
def flat(inputs: Inputs) -> Case:
    """The same, with the flat shares asked for."""
    return layered(inputs.with_value("method", inputs.text("method", default="flat")))


def _variants(results: Sequence[Result]) -> Answer:
    wanted, by_layers, flat_result = results
    answer = _host_answer([wanted])
    ways = {"layered": _host_answer([by_layers]), "flat": _host_answer([flat_result])}
    both = {f"{way}{tail}": ways[way] for way in ways for tail in ("", "_vm", "_vms", "_shares")}
    both |= {f"{head}_{way}": ways[way] for way in ways for head in ("vm", "vms", "shares")}
    shares = Answer(items=answer.items, shares=answer.shares, figures=ways)
    return dataclasses.replace(answer, figures={**answer.figures, **both, "vm": shares, "vms": shares})


def _host_answer(results: Sequence[Result]) -> Answer:
    [result] = results
    answer = consumption(results)
    top = _HOST if _HOST in result.capacities else "server"
    capacity = result.capacities.get(top, Decimal(0))
    units = result.quantities.get(top, Decimal(0))
    pools = {
        name.removesuffix(_POOL): value for name, value in result.capacities.items() if name.endswith(_POOL)
    }
    figures = {
        **dict.fromkeys(("eligible_cores", "cores", "host_cores"), capacity),
        **dict.fromkeys(("host_pvu", "host_vpc", "host_units", "host"), units),
        **dict.fromkeys(("pools", "pool"), pools),
    }
    hosts = {
        name.removesuffix(_OF_SEVERAL): value
        for name, value in result.quantities.items()
        if name.endswith(_OF_SEVERAL)
    }
    if hosts:
        figures = dict.fromkeys(("hosts", "host"), hosts)
    items = list(hosts.values()) or answer.items
    return dataclasses.replace(answer, items=items, figures={**answer.figures, **figures})


@calculation("vpc_host", "vpc_hosts", "vpc_cluster", "vpc", "vpc_vm", "vpc_pool", "vpc_cloud", "vpc_instance")
def vpc_host(inputs: Inputs) -> Case:
    """Virtual processor cores of a host, or of a server without virtual machines."""
    ratio = inputs.number_or_none(*_POINTS)
    rule = _by_layers(inputs, "ibm_vpc.layered.v1", "ibm_vpc.flat.v1")
    changed = method(rule.method_id, factor=ratio)
    return Case([License(method=changed, nodes=_hosts(inputs, _vpc_nodes))], _host_answer)


def _vpc_nodes(inputs: Inputs) -> list[Node]:
    if inputs.flag("physical", "is_physical", default=False):
        return [{"node_id": "server", "node_type": "device", "cores": _host_cores(inputs)}]
    return _host(inputs, is_full=False)


def _hosts(inputs: Inputs, nodes_of: Callable[[Inputs], list[Node]]) -> list[Node]:
    """The nodes of one host, or of each in a list of them; machines keep their names, the rest is its host's."""
    if not isinstance(inputs.value(*_HOSTS), list | dict):
        return nodes_of(inputs)
    nodes = []
    for name, value in inputs.entries(*_HOSTS, prefix="host"):
        host = Inputs(value, f"host {name}")
        host_nodes = nodes_of(inputs.merged(value, "host_cores"))
        nodes += repeated([_of_host(name, node) for node in host_nodes], host.number("count", default=1))
    return nodes


def _of_host(host: str, node: Node) -> Node:
    """A node of one of several hosts."""
    own = {
        column: f"{host}{_OF_SEVERAL}" if node[column] in (_HOST, "server") else f"{host} {node[column]}"
        for column in ("node_id", "parent_node_id", "host_node_id")
        if node.get(column) is not None
    }
    return {
        **node,
        **own,
        "node_id": node["node_id"] if node["node_type"] == "virtual_machine" else own["node_id"],
    }


def _host_cores(inputs: Inputs) -> Decimal | None:
    if inputs.has(*_HOST_CORES):
        return inputs.number(*_HOST_CORES)
    return cores_of(inputs) if inputs.has("cores", "cores_per_processor", "cores_per_socket") else None


def _host(inputs: Inputs, *, is_full: bool) -> list[Node]:
    """A host with its machines and pools, two levels deep at most; a server by itself where none are given.

    A host that has no machine with the software counts nothing, unless it is licensed in full.
    """
    nodes: list[Node] = [
        {
            "node_id": _HOST,
            "node_type": "host",
            "cores": _host_cores(inputs),
            "points_per_core": inputs.number_or_none(*_POINTS),
        }
    ]
    nodes += _machines(inputs, _HOST)
    for name, value in inputs.entries("pools", "resource_pools", prefix="pool"):
        nodes += _pool(name, Inputs(value, f"pool {name}"), _HOST, depth=1)
    machines = (*itertools.chain(*_MACHINES), "pools", "resource_pools")
    is_alone = is_full or not inputs.is_given(*machines)
    return [_server(inputs)] if is_alone and len(nodes) == 1 else nodes


def _server(inputs: Inputs) -> Node:
    return {
        "node_id": "server",
        "node_type": "device",
        "cores": _host_cores(inputs),
        "points_per_core": inputs.number_or_none(*_POINTS),
    }


def _pool(name: str, pool: Inputs, parent: str, *, depth: int) -> list[Node]:
    inner = pool.entries("pools", "resource_pools", "children", prefix=f"{name}.pool")
    if inner and depth > 1:
        raise InputError(f"pool {name} lies in pools three deep; two levels are possible")
    node_id = f"{name}{_POOL}"
    node = {
        "node_id": node_id,
        "node_type": "outer_pool" if inner else "pool",
        "parent_node_id": parent,
        "host_node_id": _HOST,
        "capped_cores": pool.number_or_none("cap", "capped_cores", "cores", "limit"),
    }
    nodes = [node, *_machines(pool, node_id)]
    for inner_name, value in inner:
        nodes += _pool(inner_name, Inputs(value, f"pool {inner_name}"), node_id, depth=depth + 1)
    return nodes


def _machines(inputs: Inputs, parent: str) -> list[Node]:
    nodes: list[Node] = []
    for names in _MACHINES:
        for name, value in inputs.entries(*names, prefix="vm"):
            nodes += _machine(name, entry(value, "cores"), parent)
    return nodes


def _machine(name: str, machine: Inputs, parent: str) -> list[Node]:
    node = {
        "node_id": name,
        "node_type": "virtual_machine",
        "parent_node_id": parent,
        "host_node_id": _HOST,
        "cores": machine.number_or_none(*_CORES),
        "capped_cores": machine.number_or_none(*_CAP),
        "sockets": machine.number_or_none("processors", "sockets"),
        "threads": machine.number_or_none("threads"),
        "is_cloud": _flag(machine, "cloud", "is_cloud"),
        "is_eligible_for_sub_capacity": _flag(
            machine, "eligible", "sub_capacity", "eligible_for_sub_capacity"
        ),
        "has_installation": _flag(machine, "installed", "has_installation"),
    }
    return repeated([node], machine.number("count", default=1))


def _flag(inputs: Inputs, *names: str) -> bool | None:
    value = inputs.value(*names)
    return None if value is None else flag(value, names[0])


@calculation(
    "lpar_cores", "lpar", "power_partition", "capped_partition", "lpar_capped", each="virtual_processors"
)
def lpar(inputs: Inputs) -> Case:
    """What a partition counts: its entitled capacity if capped, else its virtual processors within its pool."""
    mode = inputs.text("mode", "type", default="capped" if inputs.has(*_ENTITLED) else "uncapped")
    mode = mode.removeprefix("shared").strip(" _-")
    pool = inputs.number_or_none(*_POOL_CORES)
    if mode not in _COUNTED_BY:
        raise InputError(f"input mode is {mode!r}, not capped, uncapped or dedicated")
    names = _COUNTED_BY[mode]
    parent = None if pool is None or mode == "dedicated" else _SHARED_POOL
    nodes = [
        _partition(name, number(value, names[0]), parent)
        | {"capped_cores": pool if mode == "uncapped" else None}
        for name, value in inputs.entries(*names, prefix="lpar")
    ]
    if not nodes and not inputs.is_given(*names):
        raise inputs.missing(names[0])
    license_ = License(
        method=_power(inputs, "partition"), nodes=[*nodes, *_shared_pool(pool if parent else None)]
    )
    return Case([license_], consumption)


def _power(inputs: Inputs, default: str) -> Method:
    round_at = inputs.text("round_at", "rounding", default=default)
    rules = {"partition": "ibm_power.partition_rounding.v1", "sum": "ibm_power.sum_rounding.v1"}
    if round_at not in (*rules, "none"):
        raise InputError(f"input round_at is {round_at!r}, not partition, sum or none")
    if round_at == "none":
        return method(rules["sum"], round_at="none", factor=inputs.number_or_none(*_POINTS))
    return method(rules[round_at], factor=inputs.number_or_none(*_POINTS))


def _partition(name: str, cores: Decimal, parent: str | None = None) -> Node:
    return {"node_id": name, "node_type": "virtual_machine", "cores": cores, "parent_node_id": parent}


def _shared_pool(cap: Decimal | None, parent: str | None = None) -> list[Node]:
    if cap is None:
        return []
    node = {"node_id": _SHARED_POOL, "node_type": "pool", "capped_cores": cap, "parent_node_id": parent}
    return [node | {"host_node_id": parent}]


@calculation(
    "power_server", "power_partitions", "power_partition_server", "power_host", "power_dedicated_shared"
)
def power_server(inputs: Inputs) -> Case:
    """A Power server: dedicated and shared partitions, the shared pool, and the active processors as the limit."""
    dedicated = [_entitled(name, value) for name, value in inputs.entries("dedicated", prefix="dedicated")]
    return Case(
        [License(method=_power(inputs, "partition"), nodes=_power_nodes(inputs, dedicated, _shared(inputs)))],
        _host_answer,
    )


def _power_nodes(
    inputs: Inputs, dedicated: Sequence[tuple[str, Decimal]], shared: Sequence[tuple[str, Decimal]]
) -> list[Node]:
    """A server of so many active processors, its shared pool, and its partitions."""
    pool = inputs.number_or_none(*_POOL_CORES)
    server = {"node_id": _HOST, "node_type": "host", "cores": inputs.number_or_none(*_ACTIVE)}
    parent = _HOST if pool is None else _SHARED_POOL
    partitions = [_partition(name, cores, _HOST) for name, cores in dedicated]
    partitions += [_partition(name, cores, parent) for name, cores in shared]
    on_host = {"host_node_id": _HOST}
    return [server, *_shared_pool(pool, _HOST), *(partition | on_host for partition in partitions)]


def _shared(inputs: Inputs) -> list[tuple[str, Decimal]]:
    """The shared partitions: those that say their mode, and those that are listed by it."""
    return [
        _entitled(name, value, mode)
        for mode, names in _SHARED
        for name, value in inputs.entries(*names, prefix=f"{names[0]} ")
    ]


def _entitled(name: str, value: object, mode: str = "capped") -> tuple[str, Decimal]:
    """A partition: entitled capacity where it is capped, virtual processors where it is not."""
    partition = entry(value, "entitled")
    if partition.text("mode", "type", default=mode).startswith("uncapped"):
        return name, partition.number("virtual_processors", "vcpus", "entitled")
    return name, partition.number(*_ENTITLED, "processors", "cores", "virtual_processors", "vcpus")


@calculation("capped_group", "power_group", "partition_group", "lpar_group", "mixed_group")
def capped_group(inputs: Inputs) -> Case:
    """Capped partitions of a server together; where their fractions round is part of the rule."""
    return _group(
        inputs, "capped", (*_ENTITLED, "capped", "partitions", "entitlements", "lpars", "virtual_processors")
    )


@calculation("uncapped_group", "uncapped_partitions", "uncapped_lpars")
def uncapped_group(inputs: Inputs) -> Case:
    """Uncapped partitions of a server together, by their virtual processors."""
    return _group(inputs, "uncapped", ("virtual_processors", "partitions", "lpars", "vcpus"))


def _group(inputs: Inputs, mode: str, names: tuple[str, ...]) -> Case:
    entries = inputs.entries(*names, prefix="lpar")
    if not entries and not inputs.is_given(*names):
        raise inputs.missing(names[0])
    dedicated = [_entitled(name, value) for name, value in inputs.entries("dedicated", prefix="dedicated")]
    shared = [_entitled(name, value, mode) for name, value in entries]
    if mode == "capped":
        uncapped = inputs.entries("uncapped", "shared_uncapped", prefix="uncapped ")
        shared += [_entitled(name, value, "uncapped") for name, value in uncapped]
    nodes = _power_nodes(inputs, dedicated, shared)
    return Case([License(method=_power(inputs, "sum"), nodes=nodes)], consumption)


@calculation("capped_per_partition", "capped_partitions", "capped_lpars", "capped_each", "partition_rounding")
def capped_each(inputs: Inputs) -> Case:
    """Capped partitions, each rounded up by itself."""
    return capped_group(inputs.with_value("round_at", inputs.text("round_at", default="partition")))


@calculation("tiered", "tiers", "rvu", "rvu_tiered", "rvu_mapc", each="quantity")
def tiered(inputs: Inputs) -> Case:
    """The tiers of a price list on a total, and what consumers share of it."""
    names = ("devices", "consumers", "weights", "device_cores", "quantities", "device_quantities", "cores")
    total = ("quantity", "resources", "total")
    is_by_device = isinstance(inputs.value(*total), dict)
    nodes = [
        {
            "node_id": name,
            "node_type": "device",
            "cores": entry(value, "cores").number("cores", "quantity", "resources", "weight"),
        }
        for name, value in inputs.entries(*(total if is_by_device else names), prefix="device")
    ]
    is_rounded = inputs.flag("ceil", "round_up", default=True)
    rule = method("ibm_rvu.tiers.cores.v1", round_at="sum" if is_rounded else "none")
    has_total = not nodes or (not is_by_device and inputs.has(*total))
    quantity = inputs.number(*total) if has_total else None
    return Case([License(method=rule, nodes=nodes, quantity=quantity, tiers=_tiers(inputs))], consumption)


Tier = tuple[Decimal | None, Decimal]


def _tiers(inputs: Inputs) -> list[Tier] | None:
    """The tiers of the example, lowest first; None where it gives none and those of the product count."""
    value = inputs.value("tiers", "bands")
    if value is None:
        return None
    if not isinstance(value, list):
        raise InputError("input tiers is not a list of limits and factors")
    starts = [_start(tier) for tier in value]
    tiers = [_tier(tier) for tier in value]
    if all(limit_ is None for limit_, _ in tiers) and None not in starts:
        tiers = _ended(list(zip(starts, (factor for _, factor in tiers), strict=True)))
    tiers.sort(key=lambda tier: (tier[0] is None, tier[0] or 0))
    limits = [limit_ for limit_, _ in tiers]
    if len(set(limits)) < len(limits):
        raise InputError("input tiers has two that end at the same limit")
    return tiers


def _ended(starts: Sequence[tuple[Any, Decimal]]) -> list[Tier]:
    """Tiers that only say where they begin: each ends before the next, which counts from the first's 0 or 1."""
    ordered = sorted(starts)
    first = ordered[0][0]
    ends = [start - first for start, _ in ordered[1:]]
    return list(zip([*ends, None], (factor for _, factor in ordered), strict=True))


def _start(value: object) -> Decimal | None:
    """Where a tier begins, if it says."""
    if isinstance(value, dict):
        return Inputs(value).number_or_none("from", "min", "lower", "above")
    return number(value[0], "tiers") if isinstance(value, list) and len(value) == 3 else None


def _tier(value: object) -> Tier:
    if isinstance(value, dict):
        tier = Inputs(value)
        return (
            tier.limit("up_to", "to", "max", "limit", "upper", default=None),
            tier.number("factor", "rate", "points", "weight"),
        )
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise InputError(f"input tiers has {value!r}, not a limit and a factor")
    return limit(value[-2], "tiers"), number(value[-1], "tiers")
