"""Calculations of Oracle licenses: processors by cores, clusters, clouds, and named users with their minimums."""

from __future__ import annotations

import dataclasses
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
from chargeback.examples.inputs import InputError, Inputs, entry, flag, is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_FACTOR = ("factor", "core_factor")
_POLICY = ("policy", "residue_policy", "residue", "residue_mode", "mode")
_BY_INSTANCE = ("users_by_instance", "users_by_server", "instances", "users", "quantities")
_USERS = ("users", "named_users", "distinct_users", "oracle_users", "user_count")
_ACCOUNTS = ("accounts", "users_by_account")
_PER_SERVER = ("min_per_server", "minimum_per_server", "per_server")
_PER_PROCESSOR = ("min_per_processor", "minimum_per_processor", "per_processor")
_PER_LICENSE = ("min_per_license", "minimum_per_license", "per_license")
_MINIMUM = ("minimum_users", "minimum", "min", "min_users")
# Marks a server of which the example says how many users it counts at least, as that many processors at one user.
_OWN_MINIMUM = "own_minimum"
_MINIMUM_TYPE = ("minimum_type", "minimum_users_type", "min_type", "type")
_PROCESSOR_LICENSES = ("processor_licenses", "points", "processor_points")
_CORES = ("cores", "host_cores", "total_cores")
PROCESSOR_TYPE = ("processor_type", "processor", "cpu")
_PROCESSORS = ("processors", "sockets", "cpus", "chips")
_CORES_PER_PROCESSOR = ("cores_per_processor", "cores_per_socket", "cores_per_cpu", "cores_per_chip")
# What may be given of several servers by their names, one input for each.
_SERVER_FIGURES = {
    "users": (*_USERS, "users_by_server"),
    "minimum": ("minima", "minimums", "minimum", "minimum_users", "minimum_by_server"),
    "cores": ("cores", "server_cores", "cores_by_server"),
    "processors": ("processors", "processors_by_server"),
    "cores_per_processor": ("cores_per_processor",),
    "processor_licenses": _PROCESSOR_LICENSES,
    "factor": ("factor", "core_factor"),
    "vcpus": ("vcpus",),
}


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
        raise device.missing("cores")
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


@calculation("oracle_cloud", "oracle_ee_cloud", each="vcpus")
def cloud(inputs: Inputs) -> Case:
    """vCPUs of an authorized cloud, by the edition's table."""
    is_standard = inputs.text("edition", default="enterprise").startswith("s")
    return _cloud(
        inputs,
        "oracle_processor.cloud.standard.v1" if is_standard else "oracle_processor.cloud.enterprise.v1",
    )


@calculation("oracle_se_cloud", "oracle_se2_cloud", each="vcpus")
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


@calculation(
    "oracle_se_sockets",
    "oracle_se2_sockets",
    "oracle_se_processor",
    "oracle_se2_processor",
    "oracle_se",
    "oracle_se2",
    "oracle_standard_sockets",
    "oracle_processor_sockets",
)
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
    "nup_min",
    "nup_min_per_server",
    "nup_minimum_per_server",
    "nup_min_per_processor",
    "nup_minimum_per_processor",
    "nup_server_minimum",
)
def named_user_minimum(inputs: Inputs) -> Case:
    """The least users a license counts, by its processors or by its servers."""
    return _named_users(inputs, _named_user_method(inputs))


@calculation("nup_minimum_per_license", "nup_min_per_license", "nup_license_minimum")
def named_user_license_minimum(inputs: Inputs) -> Case:
    """The least users a license counts, however many servers it has."""
    return named_user_minimum(inputs.with_value("minimum_type", "license"))


@calculation("nup_se2_min", "nup_se2_minimum", "nup_se2", "nup_se2_server_min", "nup_standard_edition")
def named_user_standard(inputs: Inputs) -> Case:
    """The least users of Standard Edition 2: so many for each server, or for the vCPUs of an instance."""
    rule = method(
        "oracle_named_user_plus.standard_2.v1",
        minimum_per_device=inputs.number_or_none(*_PER_SERVER),
        units_per_right=inputs.number_or_none("block", "vcpus_per_block"),
    )
    return _named_users(inputs, rule)


def _named_users(inputs: Inputs, rule: Method) -> Case:
    nodes = _servers(inputs)
    servers = [node for node in nodes if node["node_type"] != "user"]
    if any(node.get(_OWN_MINIMUM) for node in servers):
        if not all(node.get(_OWN_MINIMUM) for node in servers):
            raise InputError("input minimum is missing for some of the servers")
        rule = dataclasses.replace(rule, minimum_per_processor=Decimal(1), minimum_per_device=Decimal(0))
    return Case([License(method=rule, nodes=nodes)], lambda results: _named_user_answer(nodes, results))


def _named_user_answer(nodes: Sequence[Node], results: Sequence[Result]) -> Answer:
    """The license's figures; where users are known by name, also what those of a server or of a name bear."""
    [result] = results
    answer = consumption(results)
    servers = _shares_by("parent_node_id", nodes, result)
    accounts = _shares_by("account_id", nodes, result)
    figures = {
        **dict.fromkeys(("server", "servers", "device", "devices", "instance", "instances"), servers),
        **dict.fromkeys(("user", "account", "accounts"), accounts),
        **dict.fromkeys(("users", "total_users"), Answer(number=result.exact, shares=accounts)),
        **dict.fromkeys(("minimum", "minimum_users"), result.capacities.get("")),
    }
    return dataclasses.replace(answer, shares=servers, figures={**answer.figures, **figures})


def _shares_by(column: str, nodes: Sequence[Node], result: Result) -> dict[str, Decimal]:
    """Shares together by a column of their nodes; of a node without it, its own."""
    groups = {node["node_id"]: node.get(column) or node["node_id"] for node in nodes}
    shares: dict[str, Decimal] = {}
    for name, share in result.shares.items():
        group = groups.get(name, name)
        shares[group] = shares.get(group, Decimal(0)) + share
    return shares


def _named_user_method(inputs: Inputs) -> Method:
    kind = inputs.text(*_MINIMUM_TYPE, default="")
    if "license" in kind or "licence" in kind:
        inputs = inputs.with_value("min_per_license", inputs.number(*_PER_LICENSE, *_MINIMUM))
        inputs = inputs.with_value("min_per_processor", 0)
    elif "processor" in kind or "core" in kind:
        inputs = inputs.with_value("min_per_processor", inputs.number(*_PER_PROCESSOR, *_MINIMUM))
    elif kind and "server" not in kind:
        raise InputError(f"input minimum_type is {kind!r}, not per license, per server or per processor")
    per_processor = inputs.number_or_none(*_PER_PROCESSOR)
    is_by_server = isinstance(inputs.value(*_MINIMUM), dict)
    is_per_server = per_processor is None and not inputs.has(*_PER_LICENSE) and not is_by_server
    per_server = inputs.number_or_none(*_PER_SERVER, *(_MINIMUM if is_per_server else ()))
    if per_server is None and per_processor is None:
        per_processor = Decimal(25)
    return method(
        "oracle_named_user_plus.larger.v1",
        minimum_per_processor=per_processor or Decimal(0),
        minimum_per_device=per_server or Decimal(0),
        minimum_per_license=inputs.number_or_none(*_PER_LICENSE),
        round_at=_round_at(inputs),
    )


def _servers(inputs: Inputs) -> list[Node]:
    """Servers in a list, or by name in an input for each of their figures; or so many alike."""
    names = ("servers", "devices", "hosts")
    if inputs.has(*_ACCOUNTS) or _is_by_account(inputs):
        return _account_nodes(inputs)
    if isinstance(inputs.value(*names), list | dict):
        entries = inputs.entries(*names, prefix="server")
        nodes = [node for name, value in entries for node in _server(name, entry(value, "users"), inputs)]
        return [*nodes, *_users_of_no_server(inputs)]
    if isinstance(inputs.value("users_by_server"), list):
        entries = inputs.entries("users_by_server", prefix="server")
        return [node for name, users in entries for node in _server(name, Inputs({"users": users}), inputs)]
    by_server = inputs.by_entry(_SERVER_FIGURES)
    if by_server and not _is_one_server(inputs):
        return [node for name, figures in by_server.items() for node in _server(name, figures, inputs)]
    server, *accounts = _server("server", inputs, inputs)
    count = inputs.number("servers", "devices", "count", default=1)
    if count == 1:
        return [server, *accounts]
    alike = repeated([server | {"users": None}], count)
    return [*alike, *(accounts or _users_of_no_server(inputs))]


def _is_by_account(inputs: Inputs) -> bool:
    """Whether users are listed by name with the servers of each, and no server is described."""
    users = inputs.value(*_USERS)
    return isinstance(users, dict) and all(isinstance(on, dict) for on in users.values())


def _account_nodes(inputs: Inputs) -> list[Node]:
    """Accounts on the instances where each is used, and the instances."""
    nodes = [
        _account(account, instance, entry(users, "users"))
        for account, value in inputs.entries(*_ACCOUNTS, *_USERS, prefix="account")
        for instance, users in _by_instance(value)
    ]
    servers = sorted({node["host_node_id"] for node in nodes})
    figures = inputs.by_entry(
        {figure: names for figure, names in _SERVER_FIGURES.items() if figure != "users"}
    )
    described = figures | dict(_described(inputs))
    return [
        *nodes,
        *(
            {"node_id": server, "node_type": "host", **_processors(described[server], inputs)}
            if server in described
            else {"node_id": server, "node_type": "host"}
            for server in dict.fromkeys([*servers, *described])
        ),
    ]


def _described(inputs: Inputs) -> list[tuple[str, Inputs]]:
    """The servers of an example that lists its users apart from them."""
    value = inputs.value("servers", "devices", "hosts")
    if not isinstance(value, list | dict):
        return []
    entries = inputs.entries("servers", "devices", "hosts", prefix="instance")
    return [(name, entry(server, "cores")) for name, server in entries]


def _is_one_server(inputs: Inputs) -> bool:
    """Whether names are those of users: one server is described, and its users one by one."""
    sizes = (_CORES, _CORES_PER_PROCESSOR, _PROCESSORS, _PROCESSOR_LICENSES, ("vcpus",))
    return isinstance(inputs.value(*_USERS), dict) and any(
        inputs.has(*names) and not isinstance(inputs.value(*names), dict) for names in sizes
    )


def _users_of_no_server(inputs: Inputs) -> list[Node]:
    """The users of a license of which is not said where they work."""
    users = _users(inputs)
    return [{"node_id": "users", "node_type": "user", "users": users}] if users else []


def _server(name: str, server: Inputs, shared: Inputs) -> list[Node]:
    """A server with its users: an instance of an authorized cloud where it has vCPUs."""
    accounts = _accounts_on(server)
    node: Node = {
        "node_id": name,
        "node_type": "device",
        "users": None if accounts else _users(server),
        **(_instance(server) if server.has("vcpus", "threads") else _processors(server, shared)),
    }
    if accounts:
        users = [_account(account, name, entry(number, "users")) for account, number in accounts.items()]
        return [node | {"node_type": "host"}, *users]
    return repeated([node], server.number("count", default=1) if server is not shared else Decimal(1))


def _accounts_on(server: Inputs) -> dict[str, object]:
    """The users of a server by name, with how many each is; none where they are only counted."""
    value = server.value(*_USERS)
    if isinstance(value, list) and value and not any(map(is_number, value)):
        return dict.fromkeys(map(str, value), 1)
    return dict(server.entries(*_USERS, prefix="user")) if isinstance(value, dict) else {}


def _users(server: Inputs) -> Decimal:
    """The users of a server by their number, or by the numbers of several groups."""
    return sum(server.numbers(*_USERS), Decimal(0)) if server.has(*_USERS) else Decimal(0)


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
    points = server.number_or_none(*_PROCESSOR_LICENSES)
    if points is not None:
        return {"cores": points, "core_factor": 1}
    if server is not shared and server.has(*_MINIMUM):
        return {"cores": server.number(*_MINIMUM), "core_factor": 1, _OWN_MINIMUM: True}
    factor = server.number(*_FACTOR, default=shared.number(*_FACTOR, default=1))
    cores = cores_of(server) if _has_cores(server) else server.number(*_PROCESSORS, default=0)
    return {"cores": cores, "core_factor": factor}


def _has_cores(server: Inputs) -> bool:
    return server.has(*_CORES, *_CORES_PER_PROCESSOR)


@calculation(
    "nup_license",
    "nup_licenses",
    "nup_required",
    "nup",
    "nup_max",
    "nup_consumption",
    "nup_total",
    "nup_larger",
    "nup_split",
)
def named_users(inputs: Inputs) -> Case:
    """Users or their minimum, whichever is more."""
    if not isinstance(inputs.value(*_MINIMUM) or {}, dict) and not inputs.has(*_MINIMUM_TYPE):
        minimum = inputs.number(*_PER_LICENSE, *_MINIMUM)
        inputs = inputs.with_value("min_per_processor", inputs.number(*_PER_PROCESSOR, default=0))
        inputs = inputs.with_value("min_per_license", minimum)
    return _named_users(inputs, _named_user_method(inputs))


@calculation("nup_user_max", "nup_users", "nup_accounts", "nup_shared_account")
def named_user_accounts(inputs: Inputs) -> Case:
    """An account on several instances counts once, at its largest quantity."""
    if not inputs.is_given(*_ACCOUNTS):
        if not inputs.is_given(*_BY_INSTANCE):
            raise inputs.missing(_BY_INSTANCE[0])
        account = str(inputs.value("account") or "account")
        inputs = inputs.with_value("accounts", {account: inputs.value(*_BY_INSTANCE)})
    nodes = _account_nodes(inputs)
    rule = method("oracle_named_user_plus.larger.v1", minimum_per_processor=Decimal(0))

    def answer(results: Sequence[Result]) -> Answer:
        by_account = _shares_by("account_id", nodes, results[0])
        return dataclasses.replace(_named_user_answer(nodes, results), shares=by_account)

    return Case([License(method=rule, nodes=nodes)], answer)


def _by_instance(value: object) -> list[tuple[str, Any]]:
    """Quantities by instance, also as the input of that name of an entry for an account."""
    is_entry = isinstance(value, dict) and not set(value).isdisjoint(_BY_INSTANCE)
    given = Inputs(value) if is_entry else Inputs({"users": value})
    return given.entries(*_BY_INSTANCE, prefix="instance")


def _account(account: str, server: str, users: Inputs) -> Node:
    return {
        "node_id": f"{account} on {server}",
        "node_type": "user",
        "parent_node_id": server,
        "host_node_id": server,
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
