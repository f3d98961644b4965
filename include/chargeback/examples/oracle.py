"""Calculations of Oracle licenses: processors by cores, clusters, clouds, and named users with their minimums."""

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
)
from chargeback.examples.inputs import InputError, Inputs, entry, flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_FACTOR = ("factor", "core_factor")
_POLICY = ("policy", "residue_policy", "residue", "residue_mode", "mode")
_BY_INSTANCE = ("users_by_instance", "instances", "users", "quantities")
_CORES = ("cores", "host_cores", "total_cores")
PROCESSOR_TYPE = ("processor_type", "processor", "cpu")
_PROCESSORS = ("processors", "sockets", "cpus")
_CORES_PER_PROCESSOR = ("cores_per_processor", "cores_per_socket", "cores_per_cpu")


@calculation(
    "oracle_processor_grouped", "oracle_processor", "oracle_processor_standalone", "oracle_processor_group"
)
def processor_grouped(inputs: Inputs) -> Case:
    """Devices of one factor are rounded together."""
    return _devices(inputs, "oracle_processor.device.group_rounding.v1")


@calculation("oracle_processor_per_device", "oracle_consumed_points")
def processor_per_device(inputs: Inputs) -> Case:
    """Each device is rounded by itself."""
    return _devices(inputs, "oracle_processor.device.each_rounded.v1")


def _devices(inputs: Inputs, method_id: str) -> Case:
    nodes = [
        node
        for name, value in inputs.entries("devices", "servers", "hosts", prefix="device")
        for node in _device(name, entry(value, "cores"), inputs)
    ]
    if not inputs.is_given("devices", "servers", "hosts"):
        nodes = _device("device", inputs, inputs)
    rule = method(method_id, round_at=_round_at(inputs), residue_policy=_policy(inputs))
    return Case([License(method=rule, nodes=nodes)], consumption)


def _device(name: str, device: Inputs, shared: Inputs) -> list[Node]:
    factor = device.number_or_none(*_FACTOR)
    factor = shared.number_or_none(*_FACTOR) if factor is None else factor
    node = {"node_id": name, "node_type": "device", "cores": cores_of(device), "core_factor": factor}
    node |= {"processor_type": device.value(*PROCESSOR_TYPE)}
    return repeated([node], device.number("count", "quantity", default=1))


def cores_of(device: Inputs) -> Decimal | None:
    """All cores of a machine, given as such or as processors times cores; None where they are null."""
    cores = device.number_or_none(*_CORES)
    if cores is not None or (device.is_given(*_CORES) and not device.has(*_CORES_PER_PROCESSOR)):
        return cores
    if not device.has(*_CORES_PER_PROCESSOR):
        raise InputError("input cores is missing")
    return device.number(*_PROCESSORS, default=1) * device.number(*_CORES_PER_PROCESSOR)


def _round_at(inputs: Inputs) -> str | None:
    words = {"device": "partition", "partition": "partition", "group": "group", "sum": "sum", "none": "none"}
    if not inputs.has("round_at"):
        return None
    word = inputs.text("round_at", default="")
    if word not in words:
        raise InputError(f"input round_at is {word!r}, not one of {', '.join(words)}")
    return words[word]


def _policy(inputs: Inputs) -> str:
    word = inputs.text(*_POLICY, default="pro_rata").replace("-", "_").replace(" ", "_")
    if word not in ("pro_rata", "separate_row", "separate"):
        raise InputError(f"input policy is {word!r}, not pro_rata or separate_row")
    return "pro_rata" if word == "pro_rata" else "separate_row"


@calculation("oracle_group_residue", "oracle_processor_residue")
def group_residue(inputs: Inputs) -> Case:
    """What rounding a group adds, shared over its devices or set apart."""
    nodes = [
        node
        for name, value in inputs.entries("device_cores", "devices", prefix="s")
        for node in _device(name, entry(value, "cores"), inputs)
    ]
    rule = method(
        "oracle_processor.device.group_rounding.v1",
        round_at=_round_at(inputs),
        residue_policy=_policy(inputs),
    )
    return Case([License(method=rule, nodes=nodes)], _residue_answer)


def _residue_answer(results: Sequence[Result]) -> Answer:
    answer = consumption(results)
    [result] = results
    exact = result.exact
    residue = result.consumption - exact
    return Answer(
        number=answer.number,
        items=answer.items,
        shares=answer.shares,
        figures={
            **answer.figures,
            "exact": exact,
            **dict.fromkeys(("rounding", "residue", "rounding_row", "residue_row"), residue),
        },
    )


@calculation("oracle_cloud", "oracle_cloud_table", "oracle_ee_cloud", "oracle_ee_cloud_table", each="vcpus")
def cloud(inputs: Inputs) -> Case:
    """vCPUs of an authorized cloud, by the edition's table."""
    is_standard = inputs.text("edition", default="enterprise").startswith("s")
    return _cloud(
        inputs,
        "oracle_processor.cloud.standard.v1" if is_standard else "oracle_processor.cloud.enterprise.v1",
    )


@calculation(
    "oracle_se_cloud", "oracle_se_cloud_table", "oracle_se2_cloud", "oracle_se2_cloud_table", each="vcpus"
)
def standard_cloud(inputs: Inputs) -> Case:
    """vCPUs of an authorized cloud for the Standard Editions: sockets of four."""
    return _cloud(inputs, "oracle_processor.cloud.standard.v1")


def _cloud(inputs: Inputs, method_id: str) -> Case:
    node = {"node_id": "instance", **_instance(inputs)}
    rule = method(
        method_id, units_per_right=inputs.number_or_none("vcpus_per_socket", "block", "vcpus_per_license")
    )
    nodes = repeated([node], inputs.number("count", "instances", default=1))
    return Case([License(method=rule, nodes=nodes)], consumption)


@calculation("oracle_se_sockets", "oracle_standard_sockets", "oracle_processor_sockets")
def sockets(inputs: Inputs) -> Case:
    """Processors of the Standard Editions are sockets."""
    devices = inputs.entries("devices", "servers", prefix="device") or [
        ("device", inputs.value("sockets", "processors"))
    ]
    nodes = [
        node
        for name, value in devices
        for node in repeated(
            [_socket_device(name, entry(value, "sockets"))], entry(value, "n").number("count", default=1)
        )
    ]
    return Case([License(method=method("oracle_processor.standard.sockets.v1"), nodes=nodes)], consumption)


def _socket_device(name: str, device: Inputs) -> Node:
    return {"node_id": name, "node_type": "device", "sockets": device.number("sockets", "processors", "cpus")}


@calculation("oracle_cluster_split", "oracle_cluster", "oracle_cluster_points", "oracle_soft_partition")
def cluster_split(inputs: Inputs) -> Case:
    """All hosts of a cluster count; the machines with an installation share it."""
    weight = inputs.text("weight", default="cores").replace("vm_", "")
    weights = {
        "cores": "cores",
        "vcpus": "cores",
        "equal": "equal",
        "even": "equal",
        "capped": "capped_cores",
    }
    weights["capped_cores"] = "capped_cores"
    if weight not in weights:
        raise InputError(f"input weight is {weight!r}, not one of {', '.join(weights)}")
    rule = method(
        "oracle_processor.cluster.vm_cores.v1",
        weight=weights[weight],
        round_at=_round_at(inputs),
        residue_policy=_policy(inputs),
    )
    license_ = License(method=rule, nodes=_cluster(inputs))
    return Case([license_], _residue_answer)


def _cluster(inputs: Inputs) -> list[Node]:
    nodes: list[Node] = [
        {"node_id": "cluster", "node_type": "cluster", "core_factor": inputs.number_or_none(*_FACTOR)}
    ]
    if inputs.has("cluster_cores"):
        nodes[0]["cores"] = inputs.number("cluster_cores")
    for name, value in inputs.entries("hosts", prefix="host"):
        for host in _device(name, entry(value, "cores"), inputs):
            host |= {"node_id": f"host {host['node_id']}", "node_type": "host"}
            nodes.append({**host, "parent_node_id": "cluster", "cluster_node_id": "cluster"})
    for is_installed, names in (
        (True, ("installed_vms", "vms")),
        (False, ("other_vms", "not_installed_vms")),
    ):
        for name, value in inputs.entries(*names, prefix="vm"):
            nodes.append(_cluster_machine(name, entry(value, "cores"), is_installed=is_installed))
    return nodes


def _cluster_machine(name: str, machine: Inputs, *, is_installed: bool) -> Node:
    given = machine.value("installed", "has_installation")
    return {
        "node_id": name,
        "node_type": "virtual_machine",
        "parent_node_id": "cluster",
        "cluster_node_id": "cluster",
        "cores": machine.number("cores", "vcpus", "virtual_cores"),
        "capped_cores": machine.number_or_none("cap", "capped_cores", "capped"),
        "has_installation": is_installed if given is None else flag(given, "installed"),
    }


@calculation(
    "nup_minimum",
    "nup_min_per_server",
    "nup_minimum_per_server",
    "nup_min_per_processor",
    "nup_server_minimum",
)
def named_user_minimum(inputs: Inputs) -> Case:
    """The least users a license counts, by its processors or by its servers."""
    return Case([License(method=_named_user_method(inputs), nodes=_servers(inputs))], consumption)


def _named_user_method(inputs: Inputs) -> Method:
    per_server = inputs.number_or_none("min_per_server", "minimum_per_server", "per_server", "min", "minimum")
    per_processor = inputs.number_or_none("min_per_processor", "minimum_per_processor", "per_processor")
    if per_server is None and per_processor is None:
        per_processor = Decimal(25)
    return method(
        "oracle_named_user_plus.larger.v1",
        minimum_per_processor=per_processor or Decimal(0),
        minimum_per_device=per_server or Decimal(0),
        minimum_per_license=inputs.number_or_none("min_per_license", "minimum_per_license"),
        round_at=_round_at(inputs),
    )


def _servers(inputs: Inputs) -> list[Node]:
    names = ("servers", "devices", "hosts", "users_by_server")
    if isinstance(inputs.value(*names), list | dict):
        entries = inputs.entries(*names, prefix="server")
        return [node for name, value in entries for node in _server(name, entry(value, "users"), inputs)]
    count = inputs.number("servers", "devices", "count", default=1)
    return repeated(_server("server", inputs, inputs), count)


def _server(name: str, server: Inputs, shared: Inputs) -> list[Node]:
    """A server with its users: an instance of an authorized cloud where it has vCPUs."""
    node: Node = {
        "node_id": name,
        "node_type": "device",
        "users": _users(server),
        **(_instance(server) if server.has("vcpus", "threads") else _processors(server, shared)),
    }
    return repeated([node], server.number("count", default=1) if server is not shared else Decimal(1))


def _users(server: Inputs) -> Decimal:
    """The users of a server: how many, how many of each kind, or who they are."""
    value = server.value("users", "named_users")
    if value is None:
        return Decimal(0)
    try:
        return sum(server.numbers("users", "named_users"), Decimal(0))
    except InputError:
        if not isinstance(value, list):
            raise
        return Decimal(len(set(map(str, value))))


def _instance(inputs: Inputs) -> Node:
    """An instance of an authorized cloud by its vCPUs."""
    return {
        "node_type": "instance",
        "is_cloud": True,
        "threads": inputs.number("vcpus", "threads"),
        "is_hyperthreaded": inputs.flag("hyperthreading", "hyper_threading", "hyperthreaded", default=True),
    }


def _processors(server: Inputs, shared: Inputs) -> Node:
    """Cores with their factor, or processors as they count."""
    points = server.number_or_none("processor_licenses", "points", "processor_points")
    if points is not None:
        return {"cores": points, "core_factor": 1}
    factor = server.number(*_FACTOR, default=shared.number(*_FACTOR, default=1))
    cores = cores_of(server) if _has_cores(server) else server.number(*_PROCESSORS, default=0)
    return {"cores": cores, "core_factor": factor}


def _has_cores(server: Inputs) -> bool:
    return server.has(*_CORES, *_CORES_PER_PROCESSOR)


@calculation("nup_license", "nup_max", "nup_consumption", "nup_total", "nup_larger", "nup_split")
def named_users(inputs: Inputs) -> Case:
    """Users or their minimum, whichever is more."""
    minimum = inputs.number_or_none("minimum", "minimum_users")
    if minimum is not None:
        per_processor = inputs.number("min_per_processor", default=0)
        inputs = inputs.with_value("min_per_processor", per_processor).with_value("minimum", None)
        inputs = inputs.with_value("min_per_license", inputs.number("min_per_license", default=minimum))
    return Case([License(method=_named_user_method(inputs), nodes=_servers(inputs))], consumption)


@calculation("nup_user_max", "nup_users", "nup_accounts", "nup_shared_account")
def named_user_accounts(inputs: Inputs) -> Case:
    """An account on several instances counts once, at its largest quantity."""
    if inputs.is_given("accounts"):
        accounts = inputs.entries("accounts", prefix="account")
    elif inputs.is_given(*_BY_INSTANCE):
        accounts = [(str(inputs.value("account") or "account"), inputs.value(*_BY_INSTANCE))]
    else:
        raise InputError(f"input {_BY_INSTANCE[0]} is missing")
    nodes: list[Node] = []
    for account, value in accounts:
        nodes += [
            _account(account, instance, entry(users, "users")) for instance, users in _by_instance(value)
        ]
    servers = {node["parent_node_id"] for node in nodes}
    nodes += [{"node_id": server, "node_type": "host"} for server in sorted(servers)]
    rule = method(
        "oracle_named_user_plus.larger.v1",
        minimum_per_processor=Decimal(0),
    )
    return Case([License(method=rule, nodes=nodes)], consumption)


def _by_instance(value: object) -> list[tuple[str, Any]]:
    """Quantities by instance, also as the input of that name of an entry for an account."""
    given = entry(value, "users")
    if not given.is_given(*_BY_INSTANCE):
        given = Inputs({"users": value})
    return given.entries(*_BY_INSTANCE, prefix="instance")


def _account(account: str, instance: str, users: Inputs) -> Node:
    return {
        "node_id": f"{account} on {instance}",
        "node_type": "user",
        "parent_node_id": f"host {instance}",
        "host_node_id": f"host {instance}",
        "account_id": account,
        "users": users.number("users", "quantity", "count"),
    }


@calculation("nup_se2_cloud_min", "nup_cloud_minimum", "nup_se2_cloud", each="vcpus")
def named_user_cloud(inputs: Inputs) -> Case:
    """So many users for every block of vCPUs, or part of one."""
    rule = method(
        "oracle_named_user_plus.standard_2.v1",
        units_per_right=inputs.positive("block", "vcpus_per_block", default=8),
        minimum_per_device=inputs.number("per_block", "min_per_block", default=10),
    )
    node = {
        "node_id": "instance",
        "node_type": "instance",
        "is_cloud": True,
        "threads": inputs.number("vcpus", "threads"),
    }
    return Case(
        [License(method=rule, nodes=[node | {"users": inputs.number("users", default=0)}])], consumption
    )
