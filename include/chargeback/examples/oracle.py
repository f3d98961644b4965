"""Calculations of Oracle licenses: processors by cores, clusters, clouds, and named users with their minimums."""

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
from chargeback.examples.machines import Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

RoundAt = Literal["partition", "group", "sum", "none"]
Policy = Literal["pro_rata", "separate_row"]
Machines = list[Machine | Number] | dict[str, Machine | Number]


class Devices(Calculation, kw_only=True):
    """Stand-alone devices by their cores, each with its core factor or the one of all."""

    devices: Machines | None = None
    cores: Number | None = None
    processor_type: str | None = None
    count: Count = 1
    factor: Number | None = None
    round_at: RoundAt | None = None
    policy: Policy = "pro_rata"

    def devices_by(self, method_id: str) -> License:
        """The license of the devices, by a method that rounds them."""
        alone = Machine(cores=self.cores, processor_type=self.processor_type, count=self.count)
        return License(
            method=method(method_id, round_at=self.round_at, residue_policy=self.policy),
            nodes=_devices({"device": alone} if self.devices is None else self.devices, self.factor),
        )


def _devices(machines: Machines, factor: Number | None, prefix: str = "device") -> list[Node]:
    return [
        node
        for name, machine in named(machines, Machine, prefix)
        for node in repeated(
            [
                {
                    "node_id": name,
                    "node_type": "device",
                    "cores": machine.all_cores,
                    "core_factor": factor if machine.factor is None else machine.factor,
                    "processor_type": machine.processor_type,
                }
            ],
            machine.count,
        )
    ]


@calculation("oracle_processor_grouped")
class ProcessorGrouped(Devices, kw_only=True):
    """Devices of one factor are rounded together."""

    def case(self) -> Case:
        return Case([self.devices_by("oracle_processor.device.group_rounding.v1")], consumption)


@calculation("oracle_processor_per_device")
class ProcessorPerDevice(Devices, kw_only=True):
    """Each device is rounded by itself."""

    def case(self) -> Case:
        return Case([self.devices_by("oracle_processor.device.each_rounded.v1")], consumption)


@calculation("oracle_group_residue")
class GroupResidue(Calculation, kw_only=True):
    """What rounding a group adds, shared over its devices or set apart."""

    device_cores: Machines
    factor: Number | None = None
    round_at: RoundAt | None = None
    policy: Policy = "pro_rata"

    def case(self) -> Case:
        rule = method(
            "oracle_processor.device.group_rounding.v1", round_at=self.round_at, residue_policy=self.policy
        )
        return Case([License(method=rule, nodes=_devices(self.device_cores, self.factor, "s"))], _residue)


def _residue(results: Sequence[Result]) -> Answer:
    answer = consumption(results)
    [result] = results
    rounding = result.consumption - result.exact
    return dataclasses.replace(
        answer, figures={**answer.figures, "exact": result.exact, "rounding": rounding}
    )


class Instance(Entry):
    """An instance of an authorized cloud by its vCPUs."""

    vcpus: Number
    hyperthreading: bool = True

    @property
    def node(self) -> Node:
        """The node of the instance, without a name."""
        return {
            "node_type": "instance",
            "is_cloud": True,
            "threads": self.vcpus,
            "is_hyperthreaded": self.hyperthreading,
        }


class CloudInstances(Calculation, kw_only=True):
    """Instances of an authorized cloud that are alike."""

    each: ClassVar[str | None] = "vcpus"
    vcpus: Number
    hyperthreading: bool = True
    vcpus_per_socket: Number | None = None
    count: Count = 1

    def instances_by(self, method_id: str) -> Case:
        """The case of the instances by the method of an edition."""
        node = {"node_id": "instance", **Instance(self.vcpus, self.hyperthreading).node}
        rule = method(method_id, units_per_right=self.vcpus_per_socket)
        return single(rule, repeated([node], self.count))


@calculation("oracle_cloud")
class Cloud(CloudInstances, kw_only=True):
    """vCPUs of an authorized cloud, by the edition's table."""

    edition: Literal["enterprise", "standard"] = "enterprise"

    def case(self) -> Case:
        return self.instances_by(f"oracle_processor.cloud.{self.edition}.v1")


@calculation("oracle_se_cloud")
class StandardCloud(CloudInstances, kw_only=True):
    """vCPUs of an authorized cloud for the Standard Editions: sockets of four."""

    def case(self) -> Case:
        return self.instances_by("oracle_processor.cloud.standard.v1")


class SocketDevice(Entry):
    """A device by its sockets."""

    sockets: Number
    count: Count = 1
    name: str | None = None


@calculation("oracle_se_sockets")
class Sockets(Calculation, kw_only=True):
    """Processors of the Standard Editions are sockets."""

    devices: list[SocketDevice | Number] | dict[str, SocketDevice | Number]

    def case(self) -> Case:
        nodes = [
            node
            for name, device in named(self.devices, SocketDevice, "device")
            for node in repeated(
                [{"node_id": name, "node_type": "device", "sockets": device.sockets}], device.count
            )
        ]
        return single(method("oracle_processor.standard.sockets.v1"), nodes)


class ClusterMachine(Entry):
    """A virtual machine of a cluster: its cores, and what they are capped at."""

    cores: Number
    cap: Number | None = None
    name: str | None = None


ClusterMachines = list[ClusterMachine | Number] | dict[str, ClusterMachine | Number]


@calculation("oracle_cluster_split")
class ClusterSplit(Calculation, kw_only=True):
    """All hosts of a cluster count; the machines with an installation share it."""

    hosts: Machines = msgspec.field(default_factory=list)
    cluster_cores: Number | None = None
    installed_vms: ClusterMachines
    other_vms: ClusterMachines = msgspec.field(default_factory=list)
    factor: Number | None = None
    weight: Literal["cores", "equal", "capped_cores"] = "cores"
    round_at: RoundAt | None = None
    policy: Policy = "pro_rata"

    def case(self) -> Case:
        rule = method(
            "oracle_processor.cluster.vm_cores.v1",
            weight=self.weight,
            round_at=self.round_at,
            residue_policy=self.policy,
        )
        in_cluster = {"parent_node_id": "cluster", "cluster_node_id": "cluster"}
        cluster = {
            "node_id": "cluster",
            "node_type": "cluster",
            "core_factor": self.factor,
            "cores": self.cluster_cores,
        }
        hosts = [
            {**host, "node_id": f"host {host['node_id']}", "node_type": "host", **in_cluster}
            for host in _devices(self.hosts, self.factor, "host")
        ]
        machines = [
            {
                "node_id": name,
                "node_type": "virtual_machine",
                "cores": machine.cores,
                "capped_cores": machine.cap,
                "has_installation": is_installed,
                **in_cluster,
            }
            for is_installed, group in ((True, self.installed_vms), (False, self.other_vms))
            for name, machine in named(group, ClusterMachine, "vm")
        ]
        return Case([License(method=rule, nodes=[cluster, *hosts, *machines])], _residue)


Users = Number | list[str] | dict[str, Number]


class UserServer(Entry):
    """A server with its users, counted or by name: cores with their factor, processors as they count, or vCPUs."""

    users: Users | None = None
    cores: Number | None = None
    processors: Number | None = None
    cores_per_processor: Number | None = None
    factor: Number | None = None
    processor_licenses: Number | None = None
    vcpus: Number | None = None
    hyperthreading: bool = True
    minimum: Number | None = None
    count: Count = 1
    name: str | None = None

    def nodes(self, name: str, factor: Number | None) -> list[Node]:
        """The server and its users; `factor` is the one of servers without their own."""
        node: Node = {"node_id": name, "node_type": "device", **self._size(factor)}
        if isinstance(self.users, Number) or not self.users:
            return repeated([node | {"users": self.users or Number(0)}], self.count)
        accounts = self.users if isinstance(self.users, dict) else dict.fromkeys(self.users, Number(1))
        users = [_account(account, name, quantity) for account, quantity in accounts.items()]
        return [node | {"node_type": "host", "users": None}, *users]

    def _size(self, factor: Number | None) -> Node:
        if self.vcpus is not None:
            return Instance(self.vcpus, self.hyperthreading).node
        if self.processor_licenses is not None:
            return {"cores": self.processor_licenses, "core_factor": 1}
        if self.minimum is not None:
            return {"cores": self.minimum, "core_factor": 1}
        cores = Machine(self.cores, self.processors, self.cores_per_processor).all_cores
        of_all = Number(1) if factor is None else factor
        return {
            "cores": (self.processors or Number(0)) if cores is None else cores,
            "core_factor": of_all if self.factor is None else self.factor,
        }


def _account(account: str, server: str, quantity: Number) -> Node:
    return {
        "node_id": f"{account} on {server}",
        "node_type": "user",
        "parent_node_id": server,
        "host_node_id": server,
        "account_id": account,
        "users": quantity,
    }


Accounts = dict[str, dict[str, Number] | list[Number]]
UserServers = list[UserServer] | dict[str, UserServer]


class UsersAndServers(Calculation, kw_only=True):
    """Users by account, by server or in all, and the servers that they use."""

    accounts: Accounts = msgspec.field(default_factory=dict)
    users: Number | list[str] | None = None
    servers: UserServers | Count = 1
    factor: Number | None = None

    def nodes(self) -> list[Node]:
        """The nodes of users and servers."""
        if self.accounts:
            return self._account_nodes()
        if isinstance(self.servers, int):
            server, *accounts = self.one_server().nodes("server", self.factor)
            if self.servers == 1:
                return [server, *accounts]
            return [*repeated([server | {"users": None}], self.servers), *(accounts or self._users_alone())]
        nodes = [
            node
            for name, server in named(self.servers, UserServer, "server")
            for node in server.nodes(name, self.factor)
        ]
        return [*nodes, *self._users_alone()]

    def one_server(self) -> UserServer:
        """The server of a calculation that describes but one."""
        return UserServer(users=_numbered(self.users))

    def _users_alone(self) -> list[Node]:
        """The users of a license of which is not said where they work."""
        users = _numbered(self.users)
        count = sum(users.values()) if isinstance(users, dict) else users
        return [{"node_id": "users", "node_type": "user", "users": count}] if count else []

    def _account_nodes(self) -> list[Node]:
        """Accounts on the instances where each is used, and the instances."""
        nodes = [
            _account(account, instance, quantity)
            for account, value in self.accounts.items()
            for instance, quantity in _by_instance(value).items()
        ]
        described = {} if isinstance(self.servers, int) else dict(named(self.servers, UserServer, "instance"))
        names = dict.fromkeys([*sorted({node["host_node_id"] for node in nodes}), *described])
        servers = [
            described[name].nodes(name, self.factor)[0] if name in described else {"node_id": name}
            for name in names
        ]
        return [*nodes, *({**server, "node_type": "host", "users": None} for server in servers)]


def _numbered(users: Number | list[str] | None) -> Number | dict[str, Number] | None:
    """Users by name, each once, or their number."""
    return dict.fromkeys(users, Number(1)) if isinstance(users, list) else users


def _by_instance(value: dict[str, Number] | list[Number]) -> dict[str, Number]:
    if isinstance(value, dict):
        return value
    return {f"instance{number}": quantity for number, quantity in enumerate(value, start=1)}


class NamedUsers(UsersAndServers, kw_only=True):
    """Named users, and the minimum of them by processor, by server or by license."""

    min_per_processor: Number | None = None
    min_per_server: Number | None = None
    min_per_license: Number | None = None
    minimum_users: Number | None = None
    minimum_type: Literal["processor", "server", "license"] = "license"
    round_at: RoundAt | None = None
    users_by_server: dict[str, Users] | None = None
    minima: dict[str, Number] = msgspec.field(default_factory=dict)
    cores: Number | None = None
    processors: Number | None = None
    cores_per_processor: Number | None = None
    processor_licenses: Number | None = None
    vcpus: Number | None = None
    hyperthreading: bool = True

    def one_server(self) -> UserServer:
        return UserServer(
            users=_numbered(self.users),
            cores=self.cores,
            processors=self.processors,
            cores_per_processor=self.cores_per_processor,
            processor_licenses=self.processor_licenses,
            vcpus=self.vcpus,
            hyperthreading=self.hyperthreading,
        )

    def case(self) -> Case:
        by_type = {self.minimum_type: self.minimum_users}
        per_processor = by_type.get("processor", self.min_per_processor)
        per_server = by_type.get("server", self.min_per_server)
        per_license = by_type.get("license") or self.min_per_license
        has_none = per_processor is None and per_server is None and per_license is None
        rule = method(
            "oracle_named_user_plus.larger.v1",
            minimum_per_processor=Number(25) if has_none else per_processor or Number(0),
            minimum_per_device=per_server or Number(0),
            minimum_per_license=per_license,
            round_at=self.round_at,
        )
        servers = self._servers_by_name()
        named_ = msgspec.structs.replace(self, servers=servers)
        return users_case(rule, named_.nodes(), _own_minimums(servers))

    def _servers_by_name(self) -> UserServers | int:
        """The servers, also where their users and minimums are listed by their names."""
        if self.users_by_server is None:
            return self.servers
        return {
            name: UserServer(users=users, minimum=self.minima.get(name))
            for name, users in self.users_by_server.items()
        }


def _own_minimums(servers: UserServers | int) -> bool:
    """Whether the servers say how many users each counts at least; all of them must, or none."""
    found = (
        [] if isinstance(servers, int) else [server.minimum for _, server in named(servers, UserServer, "")]
    )
    if any(minimum is not None for minimum in found) and None in found:
        raise InputError("missing input `minimum` for some of the servers")
    return None not in found and bool(found)


def users_case(rule: Method, nodes: Sequence[Node], has_own_minimums: bool = False) -> Case:
    """The case of named users; a server with a minimum stands as so many processors at one user."""
    if has_own_minimums:
        rule = dataclasses.replace(rule, minimum_per_processor=Number(1), minimum_per_device=Number(0))
    return Case([License(method=rule, nodes=nodes)], lambda results: _users_answer(nodes, results))


def _users_answer(nodes: Sequence[Node], results: Sequence[Result]) -> Answer:
    """The license's figures; where users are known by name, also what those of a server or of a name bear."""
    [result] = results
    answer = consumption(results)
    servers = _shares_by("parent_node_id", nodes, result)
    accounts = _shares_by("account_id", nodes, result)
    figures: dict[str, Any] = {
        "server": servers,
        "user": accounts,
        "users": Answer(number=result.exact, shares=accounts),
        "minimum": result.capacities.get(""),
    }
    return dataclasses.replace(answer, shares=servers, figures={**answer.figures, **figures})


def _shares_by(column: str, nodes: Sequence[Node], result: Result) -> dict[str, Number]:
    """Shares together by a column of their nodes; of a node without it, its own."""
    groups = {node["node_id"]: node.get(column) or node["node_id"] for node in nodes}
    shares: dict[str, Number] = {}
    for name, share in result.shares.items():
        group = groups.get(name, name)
        shares[group] = shares.get(group, Number(0)) + share
    return shares


@calculation("nup_minimum")
class NamedUserMinimum(NamedUsers, kw_only=True):
    """The least users a license counts, by its processors, by its servers or in all."""


@calculation("nup_license")
class NamedUserLicense(NamedUsers, kw_only=True):
    """Users or their minimum, whichever is more."""


@calculation("nup_se2_min")
class NamedUserStandard(UsersAndServers, kw_only=True):
    """The least users of Standard Edition 2: so many for each server, or for the vCPUs of an instance."""

    min_per_server: Number | None = None
    block: Number | None = None

    def case(self) -> Case:
        rule = method(
            "oracle_named_user_plus.standard_2.v1",
            minimum_per_device=self.min_per_server,
            units_per_right=self.block,
        )
        return users_case(rule, self.nodes())


@calculation("nup_user_max")
class NamedUserAccounts(UsersAndServers, kw_only=True):
    """An account on several instances counts once, at its largest quantity."""

    account: str = "account"
    users_by_instance: list[Number] | dict[str, Number] = msgspec.field(default_factory=list)

    def case(self) -> Case:
        accounts = self.accounts or {self.account: self.users_by_instance}
        nodes = UsersAndServers(accounts=accounts, servers=self.servers, factor=self.factor).nodes()
        rule = method("oracle_named_user_plus.larger.v1", minimum_per_processor=Number(0))

        def answer(results: Sequence[Result]) -> Answer:
            by_account = _shares_by("account_id", nodes, results[0])
            return dataclasses.replace(_users_answer(nodes, results), shares=by_account)

        return Case([License(method=rule, nodes=nodes)], answer)


@calculation("nup_se2_cloud_min")
class NamedUserCloud(Calculation, kw_only=True):
    """So many users for every block of vCPUs, or part of one."""

    each: ClassVar[str | None] = "vcpus"
    vcpus: Number
    block: Number = Number(8)
    per_block: Number = Number(10)
    users: Number = Number(0)

    def case(self) -> Case:
        if self.block <= 0:
            raise InputError(f"input block is {self.block}, not more than 0")
        rule = method(
            "oracle_named_user_plus.standard_2.v1",
            units_per_right=self.block,
            minimum_per_device=self.per_block,
        )
        node = {"node_id": "instance", **Instance(self.vcpus).node, "users": self.users}
        return single(rule, [node])
