"""Calculations of IBM licenses: capacity through caps and pools, partitions of Power servers, tiers."""

from __future__ import annotations

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
    scale_of,
)
from chargeback.examples.inputs import InputError, Inputs, entry, flag, number
from chargeback.examples.oracle import cores_of, price_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_MACHINES = ("vms", "direct_vms", "machines", "lpars", "partitions")
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
    "processing_units",
    "capacity",
)
_HOST = "host"


@calculation(
    "pvu_host", "pvu_sub_capacity", "pvu_full_capacity", "pvu_full", "pvu_eligibility", "core_points_host"
)
def pvu_host(inputs: Inputs) -> Case:
    """What a host counts, in sub-capacity or in full."""
    is_full = inputs.text("mode", "capacity", default="").startswith("full")
    if not inputs.flag("sub_capacity", "is_sub_capacity", default=not is_full):
        rule = method("ibm_pvu.full_capacity.v1", share_scale=scale_of(inputs))
    else:
        rule = _by_layers(inputs, "ibm_pvu.sub_capacity.layered.v1", "ibm_pvu.sub_capacity.flat.v1")
    return Case([License(method=rule, nodes=_host(inputs), price=price_of(inputs))], _host_answer)


def _by_layers(inputs: Inputs, layered: str, flat: str) -> Method:
    word = inputs.text("method", "layers", "variant", default="layered")
    if word not in ("layered", "flat"):
        raise InputError(f"input method is {word!r}, not layered or flat")
    return method(layered if word == "layered" else flat, share_scale=scale_of(inputs))


@calculation("pvu_layered", "pvu_split", "vpc_layered", "pvu_layers", "pvu_layered_vs_flat", "pvu_compare")
def layered(inputs: Inputs) -> Case:
    """A host's units, and its machines' shares both by layers and flat."""
    nodes, price = _host(inputs), price_of(inputs)
    scale = scale_of(inputs)
    by_layers = method("ibm_pvu.sub_capacity.layered.v1", share_scale=scale)
    flat = method("ibm_pvu.sub_capacity.flat.v1", share_scale=scale)
    wanted = _by_layers(inputs, "ibm_pvu.sub_capacity.layered.v1", "ibm_pvu.sub_capacity.flat.v1")
    rules = [wanted, by_layers, flat]
    return Case([License(method=rule, nodes=nodes, price=price) for rule in rules], _variants)


@calculation("pvu_flat", "vpc_flat")
def flat(inputs: Inputs) -> Case:
    """The same, with the flat shares asked for."""
    return layered(inputs.with_value("method", inputs.text("method", default="flat")))


def _variants(results: Sequence[Result]) -> Answer:
    wanted, by_layers, flat_result = results
    answer = _host_answer([wanted])
    both = {"layered": by_layers.shares, "vm_layered": by_layers.shares}
    both |= {"flat": flat_result.shares, "vm_flat": flat_result.shares}
    return Answer(
        number=answer.number, items=answer.items, shares=answer.shares, figures={**answer.figures, **both}
    )


def _host_answer(results: Sequence[Result]) -> Answer:
    [result] = results
    answer = consumption(results)
    top = _HOST if _HOST in result.capacities else "server"
    capacity = result.capacities.get(top, Decimal(0))
    units = result.quantities.get(top, Decimal(0))
    pools = {
        name.removeprefix("pool "): value
        for name, value in result.capacities.items()
        if name.startswith("pool ")
    }
    figures = {
        "eligible_cores": capacity,
        "cores": capacity,
        "host_pvu": units,
        "host_vpc": units,
        "host": units,
        "pools": pools,
        "pool": pools,
    }
    return Answer(
        number=answer.number, items=answer.items, shares=answer.shares, figures={**answer.figures, **figures}
    )


@calculation("vpc_host", "vpc", "vpc_split")
def vpc_host(inputs: Inputs) -> Case:
    """Virtual processor cores of a host, or of a server without virtual machines."""
    ratio = inputs.number_or_none(*_POINTS)
    if inputs.flag("physical", "is_physical", default=False):
        nodes: list[Node] = [{"node_id": "server", "node_type": "device", "cores": _host_cores(inputs)}]
    else:
        nodes = _host(inputs)
    rule = _by_layers(inputs, "ibm_vpc.layered.v1", "ibm_vpc.flat.v1")
    changed = method(rule.method_id, factor=ratio, share_scale=scale_of(inputs))
    return Case([License(method=changed, nodes=nodes)], _host_answer)


def _host_cores(inputs: Inputs) -> Decimal | None:
    named = ("host_cores", "physical_cores", "server_cores", "active_processors")
    if inputs.has(*named):
        return inputs.number(*named)
    if inputs.has("cores", "cores_per_processor", "cores_per_socket"):
        return cores_of(inputs)
    return None


def _host(inputs: Inputs) -> list[Node]:
    """A host with its machines and pools, two levels deep at most; a server by itself where it has none."""
    if not inputs.value(*_MACHINES, "pools", "resource_pools"):
        return [_server(inputs)]
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
        nodes += _pool(name, Inputs(value), _HOST, depth=1)
    return nodes


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
    node = {
        "node_id": f"pool {name}",
        "node_type": "outer_pool" if inner else "pool",
        "parent_node_id": parent,
        "host_node_id": _HOST,
        "capped_cores": pool.number_or_none("cap", "capped_cores", "cores", "limit"),
    }
    nodes = [node, *_machines(pool, f"pool {name}")]
    for inner_name, value in inner:
        nodes += _pool(inner_name, Inputs(value), f"pool {name}", depth=depth + 1)
    return nodes


def _machines(inputs: Inputs, parent: str) -> list[Node]:
    nodes: list[Node] = []
    for names in _MACHINES:
        for name, value in inputs.entries(names, prefix="vm"):
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
    pool = inputs.number_or_none("pool_cores", "shared_pool", "pool_processors")
    if mode not in ("capped", "uncapped", "dedicated"):
        raise InputError(f"input mode is {mode!r}, not capped, uncapped or dedicated")
    virtual = ("virtual_processors", "vcpus", "processors")
    names = virtual if mode == "uncapped" else (*_ENTITLED, *virtual)
    parent = None if pool is None else "pool shared"
    nodes = [
        _partition(name, number(value, names[0]), parent)
        | {"capped_cores": pool if mode == "uncapped" else None}
        for name, value in inputs.entries(*names, prefix="lpar")
    ]
    if not nodes:
        raise InputError(f"input {names[0]} is missing")
    license_ = License(method=_power(inputs, "partition"), nodes=[*nodes, *_shared_pool(pool)])
    return Case([license_], consumption)


def _power(inputs: Inputs, default: str) -> Method:
    round_at = inputs.text("round_at", "rounding", default=default)
    rules = {"partition": "ibm_power.partition_rounding.v1", "sum": "ibm_power.sum_rounding.v1"}
    if round_at not in (*rules, "none"):
        raise InputError(f"input round_at is {round_at!r}, not partition, sum or none")
    if round_at == "none":
        return method(rules["sum"], round_at="none", factor=inputs.number_or_none(*_POINTS))
    return method(rules[round_at], factor=inputs.number_or_none(*_POINTS), share_scale=scale_of(inputs))


def _partition(name: str, cores: Decimal, parent: str | None = None) -> Node:
    return {"node_id": name, "node_type": "virtual_machine", "cores": cores, "parent_node_id": parent}


def _shared_pool(cap: Decimal | None, parent: str | None = None) -> list[Node]:
    if cap is None:
        return []
    node = {"node_id": "pool shared", "node_type": "pool", "capped_cores": cap, "parent_node_id": parent}
    return [node | {"host_node_id": parent}]


@calculation(
    "power_server", "power_partitions", "power_partition_server", "power_host", "power_dedicated_shared"
)
def power_server(inputs: Inputs) -> Case:
    """A Power server: dedicated and shared partitions, the shared pool, and the active processors as the limit."""
    shared = [_entitled(name, value) for name, value in _shared(inputs)]
    dedicated = [_entitled(name, value) for name, value in inputs.entries("dedicated", prefix="dedicated")]
    pool = inputs.number_or_none("shared_pool", "pool_cores", "shared_pool_processors")
    active = inputs.number_or_none("active_processors", "active", "host_cores")
    nodes: list[Node] = [{"node_id": _HOST, "node_type": "host", "cores": active}, *_shared_pool(pool, _HOST)]
    nodes += [_partition(name, cores, _HOST) | {"host_node_id": _HOST} for name, cores in dedicated]
    parent = _HOST if pool is None else "pool shared"
    nodes += [_partition(name, cores, parent) | {"host_node_id": _HOST} for name, cores in shared]
    return Case([License(method=_power(inputs, "partition"), nodes=nodes)], _host_answer)


def _shared(inputs: Inputs) -> list[tuple[str, Any]]:
    kinds = ("shared", "shared_total", "shared_partitions", "shared_capped", "shared_uncapped")
    names = (*kinds, "capped", "uncapped", "partitions", "lpars", "entitled", "virtual_processors")
    return [pair for name in names for pair in inputs.entries(name, prefix=f"{name} ")]


def _entitled(name: str, value: object) -> tuple[str, Decimal]:
    """A partition: entitled capacity where it is capped, virtual processors where it is not."""
    partition = entry(value, "entitled")
    if partition.text("mode", "type", default="").startswith("uncapped"):
        return name, partition.number("virtual_processors", "vcpus", "entitled")
    return name, partition.number(*_ENTITLED, "processors", "cores", "virtual_processors", "vcpus")


@calculation("capped_group", "capped_partitions", "capped_lpars")
def capped_group(inputs: Inputs) -> Case:
    """Capped partitions of a server together; where their fractions round is part of the rule."""
    entries = inputs.entries(*_ENTITLED, "partitions", "entitlements", "lpars", prefix="lpar")
    pool = inputs.number_or_none("pool_cores", "shared_pool")
    parent = None if pool is None else "pool shared"
    nodes = [_partition(name, cores, parent) for name, cores in (_entitled(*pair) for pair in entries)]
    return Case([License(method=_power(inputs, "sum"), nodes=[*nodes, *_shared_pool(pool)])], consumption)


@calculation("capped_per_partition", "capped_each", "partition_rounding")
def capped_each(inputs: Inputs) -> Case:
    """Capped partitions, each rounded up by itself."""
    return capped_group(inputs.with_value("round_at", inputs.text("round_at", default="partition")))


@calculation("tiered", "tiered_split", "rvu_tiered", "rvu", "rvu_mapc", each="quantity")
def tiered(inputs: Inputs) -> Case:
    """The tiers of a price list on a total, and what consumers share of it."""
    consumers = inputs.entries("devices", "consumers", "weights", "device_cores", prefix="device")
    nodes = [
        {
            "node_id": name,
            "node_type": "device",
            "cores": entry(value, "cores").number("cores", "quantity", "resources", "weight"),
        }
        for name, value in consumers
    ]
    is_rounded = inputs.flag("ceil", "round_up", default=True)
    rule = method(
        "ibm_rvu.tiers.cores.v1", round_at="sum" if is_rounded else "none", share_scale=scale_of(inputs)
    )
    quantity = (
        inputs.number("quantity", "resources", "total")
        if not nodes
        else inputs.number_or_none("quantity", "total")
    )
    tiers = [_tier(value) for value in inputs.value("tiers") or []]
    return Case([License(method=rule, nodes=nodes, quantity=quantity, tiers=tiers)], consumption)


def _tier(value: object) -> tuple[Decimal | None, Decimal]:
    if isinstance(value, dict):
        tier = Inputs(value)
        return tier.number_or_none("up_to", "to", "max", "limit", "upper"), tier.number(
            "factor", "rate", "weight"
        )
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"input tiers has {value!r}, not a limit and a factor")
    return (None if value[0] is None else number(value[0], "tiers")), number(value[1], "tiers")
