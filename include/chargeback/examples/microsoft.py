"""Calculations of Microsoft licenses: cores of servers with their minimums, and virtual machines by themselves."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING

from chargeback.examples.cases import (
    Answer,
    Case,
    License,
    Node,
    calculation,
    consumption,
    method,
    whole,
)
from chargeback.examples.inputs import InputError, Inputs, entry, is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result
    from chargeback.methods import Method

_PROCESSORS = ("processors", "sockets", "cpus", "chips")
_CORES_PER_PROCESSOR = ("cores_per_processor", "cores_per_socket", "cores_per_cpu", "cores_per_chip")
_MACHINES = ("vms", "vm_count", "machines", "installed_vms")
_SOCKET_CORES = ("socket_cores", "processor_cores", "cores_by_socket", "cores_by_processor", "sockets_cores")
_WEIGHTS = {"equal": "equal", "even": "equal"}
_WEIGHTS |= dict.fromkeys(("cores", "vm_cores", "vcpu", "vcpus", "vm_vcpus", "vm_vcores"), "cores")


@calculation("windows_cores", "windows", "windows_server", "windows_host", each="vms")
def windows_cores(inputs: Inputs) -> Case:
    """What a server counts for the virtual machines on it."""
    return Case([_windows(inputs, "host")], _cores)


def _cores(results: Sequence[Result]) -> Answer:
    """The license's consumption, which is of cores."""
    answer = consumption(results)
    cores = dict.fromkeys(("cores", "host_cores", "core_licenses", "server_cores"), answer.number)
    return dataclasses.replace(answer, figures={**answer.figures, **cores})


@calculation("windows_cluster_host", "windows_cluster", "windows_stacking", each="cluster_vms")
def windows_cluster(inputs: Inputs) -> Case:
    """What each host of a cluster counts where any machine of the cluster may run on it."""
    machines = inputs.value("cluster_vms", *_MACHINES)
    if machines is None:
        raise inputs.missing("cluster_vms")
    hosts = inputs.number("hosts", default=1)
    license_ = _windows(inputs.with_value("vms", machines), "cluster", hosts=hosts)
    return Case([license_], _cores)


def _windows(inputs: Inputs, scope: str, hosts: Decimal = Decimal(1)) -> License:
    nodes = [
        host | {"node_id": f"host {number}"}
        for number in range(1, whole(hosts, "hosts") + 1)
        for host in [_server(inputs)]
    ]
    machines = _machines_on(inputs)
    if not machines:
        alone = [server | {"node_type": "device"} for server in nodes]
        return License(method=_windows_method(inputs, scope), nodes=alone)
    above = {"host_node_id": "host 1", "parent_node_id": "host 1"}
    if scope == "cluster":
        nodes = [host | {"cluster_node_id": "cluster", "parent_node_id": "cluster"} for host in nodes]
        nodes.append({"node_id": "cluster", "node_type": "cluster"})
        above["cluster_node_id"] = "cluster"
    nodes += [{**machine, **above} for machine in machines]
    return License(method=_windows_method(inputs, scope), nodes=nodes)


def _windows_method(inputs: Inputs, scope: str) -> Method:
    edition = inputs.text("edition", default="standard")
    if not edition.startswith(("standard", "datacenter", "data center", "essentials")):
        raise InputError(f"input edition is {edition!r}, not Standard or Datacenter")
    is_datacenter = edition.startswith("data")
    rule = (
        "microsoft_windows_server.datacenter.v1"
        if is_datacenter
        else "microsoft_windows_server.standard.host.v1"
    )
    weight = inputs.text("weight", "split", "weight_by", "policy", default="equal")
    if weight not in _WEIGHTS:
        raise InputError(f"input weight is {weight!r}, not one of {', '.join(_WEIGHTS)}")
    return method(
        rule,
        scope=scope,
        weight=_WEIGHTS[weight],
        minimum_per_processor=inputs.number_or_none("min_per_processor", "min_cores_per_processor"),
        minimum_per_device=inputs.number_or_none("min_per_server", "min_cores_per_server"),
        machines_per_layer=None
        if is_datacenter
        else inputs.number_or_none("vms_per_license", "vms_per_layer"),
        units_per_right=inputs.number_or_none("pack", "pack_size"),
    )


def _server(inputs: Inputs) -> Node:
    """A physical server by its processors; each may have cores of its own."""
    each = inputs.value(*_SOCKET_CORES)
    if isinstance(each, list):
        cores = inputs.numbers(*_SOCKET_CORES)
        return {
            "node_type": "host",
            "sockets": Decimal(len(cores)),
            "socket_cores": cores,
            "cores": sum(cores),
        }
    per_processor = inputs.value(*_CORES_PER_PROCESSOR)
    if isinstance(per_processor, list):
        return _server(inputs.with_value("socket_cores", per_processor))
    processors = inputs.number(*_PROCESSORS, default=1)
    if inputs.has(*_CORES_PER_PROCESSOR):
        cores_in_all = processors * inputs.number(*_CORES_PER_PROCESSOR)
    else:
        cores_in_all = inputs.number("cores", "host_cores", "total_cores")
    return {"node_type": "host", "sockets": processors, "cores": cores_in_all}


def _machines_on(inputs: Inputs) -> list[Node]:
    value = inputs.value(*_MACHINES)
    if isinstance(value, list | dict):
        return [_named_machine(*named) for named in inputs.entries(*_MACHINES, prefix="vm")]
    count = inputs.number(*_MACHINES, default=0)
    return [_machine(f"vm{number}", Decimal(1)) for number in range(1, whole(count, "vms") + 1)]


def _named_machine(name: str, value: object) -> Node:
    """A machine with its cores, or one of which there is but the name."""
    if isinstance(value, str) and not is_number(value):
        return _machine(value, Decimal(1))
    return _machine(name, entry(value, "cores").number("cores", "vcpus", "vcores"))


def _machine(name: str, cores: Decimal) -> Node:
    return {"node_id": name, "node_type": "virtual_machine", "cores": cores}


@calculation("windows_per_vm", "windows_virtual_cores")
def windows_per_vm(inputs: Inputs) -> Case:
    """Virtual machines licensed by their own cores, with a floor for each and one for the customer."""
    rule = method(
        "microsoft_windows_server.virtual_machine.v1",
        minimum_per_device=inputs.number_or_none("min_per_vm"),
        minimum_per_license=inputs.number_or_none("min_per_customer", "min_per_license"),
    )
    return Case([License(method=rule, nodes=_virtual_cores(inputs))], consumption)


@calculation(
    "sql_per_vm", "sql_vm", "sql_min_per_vm", "sql_virtual_machine", "sql_server_per_vm", "sql_server_vm"
)
def sql_per_vm(inputs: Inputs) -> Case:
    """Each machine by its own virtual cores, with a floor."""
    rule = method(
        "microsoft_sql_server.virtual_machine.v1",
        minimum_per_device=inputs.number_or_none("min_per_vm"),
    )
    return Case([License(method=rule, nodes=_virtual_cores(inputs))], _each_machine)


def _virtual_cores(inputs: Inputs) -> list[Node]:
    names = ("vm_vcores", "vm_vcpus", "vm_cores", "vcores", "vcpus", "vms")
    if not inputs.is_given(*names):
        raise inputs.missing("vm_vcores")
    return [
        _machine(name, _virtual_cores_of(entry(value, "cores")))
        for name, value in inputs.entries(*names, prefix="vm")
    ]


def _virtual_cores_of(machine: Inputs) -> Decimal:
    """A machine's virtual cores, also given as processors times cores times threads."""
    if not machine.has(*_PROCESSORS):
        return machine.number("cores", "vcpus", "vcores")
    per_processor = machine.number(*_CORES_PER_PROCESSOR, "cores", default=1)
    threads = machine.number("threads", "threads_per_core", default=1)
    return machine.number(*_PROCESSORS) * per_processor * threads


def _each_machine(results: Sequence[Result]) -> Answer:
    [result] = results
    answer = consumption(results)
    in_order = [
        value for name, value in result.quantities.items() if name in result.shares and value is not None
    ]
    return Answer(number=answer.number, items=in_order, shares=answer.shares, figures=answer.figures)


@calculation(
    "sql_physical",
    "sql_enterprise",
    "sql_server",
    "sql_server_physical",
    "sql_enterprise_host",
    "sql_host",
)
def sql_physical(inputs: Inputs) -> Case:
    """All cores of a server, with a floor for each processor; they cover any number of machines on it."""
    machines = _machines_on(inputs)
    above = {"host_node_id": "host 1", "parent_node_id": "host 1"}
    nodes: list[Node] = [{**machine, **above} for machine in machines]
    server = {**_server(inputs), "node_id": "host 1"}
    nodes.append(server if machines else {**server, "node_type": "device"})
    rule = method(
        "microsoft_sql_server.physical.v1",
        minimum_per_processor=inputs.number_or_none("min_per_processor"),
        units_per_right=inputs.number_or_none("pack", "pack_size"),
    )
    return Case([License(method=rule, nodes=nodes)], _cores)


@calculation("packs", "core_packs", "two_core_packs", each="units")
def packs(inputs: Inputs) -> Case:
    """Licenses sold in packs: a pack that is begun counts in full."""
    units = inputs.number("units", "cores", "licenses", "quantity")
    rule = method(
        "device.installations.v1",
        units_per_right=inputs.positive("pack", "pack_size", "cores_per_pack", default=2),
    )
    return Case(
        [License(method=rule, nodes=[{"node_id": "all", "node_type": "device", "installations": units}])],
        consumption,
    )
