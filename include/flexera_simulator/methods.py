"""How each license type's consumption is worked out and shared over its consumers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from flexera_simulator.estate import Estate, Host, Machine
from flexera_simulator.licenses import Consumption, License, Line
from flexera_simulator.placement import (
    HostSharing,
    all_cores,
    all_cores_if_installed,
    by_layers,
    evenly,
    installed,
    instances_of,
    points_per_core,
    pro_rata_to_cores,
    products_of,
    used_cores,
)
from flexera_simulator.recharge import share

if TYPE_CHECKING:
    from flexera_simulator.organization import Person

VIRTUAL = "Virtual Machine"
CLOUD = "Cloud Instance"
PHYSICAL = "Computer"
TIERED_APPROACH = "Tiered total shared by cores"


def oracle_cluster(estate: Estate, license_: License) -> Consumption:
    """Every core of a cluster counts; its points are shared over the virtual machines with the software."""
    machines = [vm for vm in installed(estate, license_, VIRTUAL) if vm.host and vm.host.cluster]
    sharing = HostSharing(estate, license_, machines)
    members: dict[int, list[Machine]] = defaultdict(list)
    for host, on_host in sharing.groups:
        if host.cluster:
            members[host.cluster.id].extend(on_host)
    points = [_cluster_cores(estate, cluster_id) * license_.points for cluster_id in members]
    total = _up(sum(points, Decimal(0)))
    of_machine: dict[int, Decimal] = {}
    for on_cluster, part in zip(members.values(), share(total, points), strict=True):
        amounts = pro_rata_to_cores(on_cluster, part)
        of_machine.update((vm.id, amount) for vm, amount in zip(on_cluster, amounts, strict=True))
    host_totals = [sum((of_machine[vm.id] for vm in on_host), Decimal(0)) for _, on_host in sharing.groups]
    lines = sharing.lines(
        host_totals,
        all_cores,
        lambda on_host, _total: [of_machine[vm.id] for vm in on_host],
        "Pro rata of installed cores in cluster",
    )
    return Consumption(lines, total)


def oracle_hard_partitioning(estate: Estate, license_: License) -> Consumption:
    """Capped partitions and pools count; the license rounds its points up once."""
    sharing = HostSharing(estate, license_, _partitions(estate, license_))
    points = [used_cores(host, on_host) * license_.points for host, on_host in sharing.groups]
    total = _up(sum(points, Decimal(0)))
    lines = sharing.lines(share(total, points), used_cores, by_layers, "Capped cores of the partition")
    return Consumption(lines, total)


def oracle_stand_alone(estate: Estate, license_: License) -> Consumption:
    """Each server's points are rounded up for its row; the license rounds the sum, so rows may exceed it."""
    machines = installed(estate, license_, PHYSICAL)
    exact = sum((machine.cores * license_.points for machine in machines), Decimal(0))
    lines = []
    for machine in machines:
        amount = _up(machine.cores * license_.points)
        lines.append(_machine_line(estate, license_, machine, amount, "Cores of the server, rounded up"))
    return Consumption(lines, _up(exact), "oracle_rounding")


def oracle_named_users(estate: Estate, license_: License) -> Consumption:
    """Users of the servers count, but never fewer than the servers' minimum."""
    users = _some_people(estate, license_)
    servers = [m for m in estate.of_kind(PHYSICAL, VIRTUAL) if m.role == "oracle"][:6]
    minimum = sum((_up(server.cores * Decimal("0.5")) * 25 for server in servers), Decimal(0))
    total = max(Decimal(len(users)), minimum)
    pairs = [(user, servers[index % len(servers)]) for index, user in enumerate(users)] if servers else []
    approach = "One right per user" if total == len(users) else "Minimum users shared over the users"
    lines = [
        Line(
            recharged=amount,
            approach=approach,
            user=user,
            machine=server,
            consumption=Decimal(1),
            products=products_of(estate, license_, server.id),
            instances=instances_of(license_, server.name, server.id),
            allocated=True,
        )
        for (user, server), amount in zip(pairs, share(total, [1] * len(pairs)), strict=True)
    ]
    return Consumption(lines, total if lines else Decimal(0))


def pvu_sub_capacity(estate: Estate, license_: License) -> Consumption:
    """Cores in use through every cap; the license shows the period's peak, the rows the present split."""
    sharing = HostSharing(estate, license_, installed(estate, license_, VIRTUAL))
    totals = [used_cores(host, on_host) * points_per_core(license_, host) for host, on_host in sharing.groups]
    lines = sharing.lines(totals, used_cores, by_layers, "Sub-capacity cores of the partition", eligible=True)
    current = sum(totals, Decimal(0))
    peak = _up(current * (103 + estate.dice.below(9, "peak", license_.id)) / 100)
    return Consumption(lines, peak, "pvu_peak_vs_current")


def pvu_full_capacity(estate: Estate, license_: License) -> Consumption:
    """All cores of each host with an installation."""
    sharing = HostSharing(estate, license_, installed(estate, license_, VIRTUAL))
    totals = [host.cores * points_per_core(license_, host) for host, _ in sharing.groups]
    lines = sharing.lines(
        totals, all_cores_if_installed, pro_rata_to_cores, "Full capacity of the host", eligible=False
    )
    current = sum(totals, Decimal(0))
    return Consumption(lines, current + 280, "pvu_peak_vs_current")


def virtual_processor_cores(estate: Estate, license_: License) -> Consumption:
    """Virtual cores capped at the host; a cloud instance counts its threads."""
    sharing = HostSharing(estate, license_, installed(estate, license_, VIRTUAL))
    totals = [used_cores(host, on_host) * license_.points for host, on_host in sharing.groups]
    lines = sharing.lines(totals, used_cores, by_layers, "Virtual processor cores of the host")
    for machine in installed(estate, license_, CLOUD):
        amount = machine.cores * license_.points
        lines.append(_machine_line(estate, license_, machine, amount, "Threads of the cloud instance"))
    return Consumption.of(lines)


def resource_value_units(estate: Estate, license_: License) -> Consumption:
    """A tier price list over all resources together; the total is shared pro rata to cores."""
    machines = installed(estate, license_, VIRTUAL, CLOUD, PHYSICAL)
    total = tiered(sum((machine.effective_cores for machine in machines), Decimal(0)))
    amounts = pro_rata_to_cores(machines, total)
    lines = [
        replace(
            _machine_line(estate, license_, machine, amount, TIERED_APPROACH, own=Decimal(0)),
            shows_capacity=True,
        )
        for machine, amount in zip(machines, amounts, strict=True)
    ]
    return Consumption(lines, total if lines else Decimal(0))


def tiered(resources: Decimal) -> Decimal:
    """Value units of a number of resources: the more there are, the less each further one counts."""
    tiers = ((100, "1"), (400, "0.8"), (1_500, "0.6"), (None, "0.4"))
    units, floor = Decimal(0), Decimal(0)
    for ceiling, factor in tiers:
        top = resources if ceiling is None else min(resources, Decimal(ceiling))
        units += max(top - floor, Decimal(0)) * Decimal(factor)
        floor = max(floor, top)
    return units


def management_cores_standard(estate: Estate, license_: License) -> Consumption:
    """Every two virtual machines need the host licensed once more; each machine has an even share."""
    sharing = HostSharing(
        estate, license_, [m for m in installed(estate, license_, VIRTUAL) if not _is_power(m)]
    )
    totals = [_server_cores(host) * max(-(-len(on_host) // 2), 1) for host, on_host in sharing.groups]
    lines = sharing.lines(totals, all_cores_if_installed, evenly, "Host cores for every two virtual machines")
    for machine in installed(estate, license_, PHYSICAL):
        amount = Decimal(max(16, machine.sockets * max(8, machine.cores // machine.sockets)))
        lines.append(_machine_line(estate, license_, machine, amount, "Cores of the server, 16 or more"))
    return Consumption.of(lines)


def management_cores_datacenter(estate: Estate, license_: License) -> Consumption:
    """A licensed host covers any number of virtual machines."""
    sharing = HostSharing(
        estate, license_, [m for m in installed(estate, license_, VIRTUAL) if not _is_power(m)]
    )
    totals = [_server_cores(host) for host, _ in sharing.groups]
    lines = sharing.lines(totals, all_cores_if_installed, evenly, "Host cores shared evenly")
    return Consumption.of(lines)


def server_cores(estate: Estate, license_: License) -> Consumption:
    """Each virtual machine's cores, four or more; nothing is shared."""
    machines = [m for m in installed(estate, license_, VIRTUAL) if not _is_power(m)]
    sharing = HostSharing(estate, license_, machines)
    of_machine = {machine.id: Decimal(max(4, machine.cores)) for machine in machines}
    totals = [sum((of_machine[vm.id] for vm in on_host), Decimal(0)) for _, on_host in sharing.groups]
    lines = sharing.lines(
        totals,
        used_cores,
        lambda on_host, _total: [of_machine[vm.id] for vm in on_host],
        "Cores of the virtual machine, 4 or more",
        is_own=True,
    )
    for machine in installed(estate, license_, CLOUD, PHYSICAL):
        amount = Decimal(max(4 * machine.sockets, machine.cores))
        lines.append(
            _machine_line(estate, license_, machine, amount, "Cores of the server, 4 or more per processor")
        )
    return Consumption.of(lines)


def core_points(estate: Estate, license_: License) -> Consumption:
    """Cores times points per core."""
    machines = [m for m in installed(estate, license_, VIRTUAL) if not _is_power(m)]
    sharing = HostSharing(estate, license_, machines)
    totals = [used_cores(host, on_host) * license_.points for host, on_host in sharing.groups]
    lines = sharing.lines(totals, used_cores, by_layers, "Points per core, capped at the host")
    for machine in installed(estate, license_, PHYSICAL, CLOUD):
        amount = machine.cores * license_.points
        lines.append(_machine_line(estate, license_, machine, amount, "Points per core"))
    return Consumption.of(lines)


def processor_points(estate: Estate, license_: License) -> Consumption:
    """Processors times points per processor, physical servers only."""
    lines = [
        _machine_line(estate, license_, machine, machine.sockets * license_.points, "Points per processor")
        for machine in installed(estate, license_, PHYSICAL)
    ]
    return Consumption.of(lines)


def host_cores(estate: Estate, license_: License) -> Consumption:
    """Cores of the hosts themselves, 16 or more per processor; the host is the consumer."""
    lines = []
    for host in estate.hosts:
        if host.is_power:
            continue
        machine = Machine(host.id, host.name, "VM Host", host.cores, "host", host.owner, sockets=host.sockets)
        amount = Decimal(host.sockets * max(16, host.cores // host.sockets))
        lines.append(_machine_line(estate, license_, machine, amount, "Cores of the host"))
    return Consumption.of(lines)


def shared_host_cores(estate: Estate, license_: License) -> Consumption:
    """Cores of each host, shared over all virtual machines on it."""
    machines = [m for m in installed(estate, license_, VIRTUAL) if not _is_power(m)]
    sharing = HostSharing(estate, license_, machines)
    totals = [Decimal(host.cores) for host, _ in sharing.groups]
    lines = sharing.lines(totals, all_cores_if_installed, pro_rata_to_cores, "Host cores shared by cores")
    return Consumption.of(lines)


def devices(estate: Estate, license_: License) -> Consumption:
    """One right for each device with the software."""
    kinds = (PHYSICAL,) if license_.roles == ("desktop",) else (PHYSICAL, VIRTUAL, CLOUD)
    lines = [
        _machine_line(estate, license_, machine, Decimal(1), "One right per device")
        for machine in installed(estate, license_, *kinds)
    ]
    return Consumption.of(lines)


def users(estate: Estate, license_: License) -> Consumption:
    """One right for each person who uses the software."""
    return Consumption.of(
        [
            _user_line(estate, license_, person, Decimal(1), "One right per user")
            for person in _some_people(estate, license_)
        ]
    )


def users_with_devices(estate: Estate, license_: License) -> Consumption:
    """One right for each person; the row also shows the device the software was used on."""
    device_of = {machine.user.id: machine for machine in estate.machines if machine.user is not None}
    lines = [
        _user_line(estate, license_, person, Decimal(1), "One right per user", device_of.get(person.id))
        for person in _some_people(estate, license_)
    ]
    return Consumption.of(lines)


def named_users(estate: Estate, license_: License) -> Consumption:
    """One right for each person it is allocated to, used or not."""
    lines = [
        _user_line(estate, license_, person, Decimal(1), "Allocated to the user", allocated=True)
        for person in _some_people(estate, license_)
    ]
    return Consumption.of(lines)


def weighted_users(estate: Estate, license_: License) -> Consumption:
    """Users of different classes need different parts of a right."""
    weights = (Decimal(1), Decimal("0.2"), Decimal("0.033333"))
    lines = [
        _user_line(
            estate,
            license_,
            person,
            estate.dice.pick(weights, "class", license_.id, person.id),
            "Class of the user",
            allocated=True,
        )
        for person in _some_people(estate, license_)
    ]
    return Consumption.of(lines)


def concurrent_users(estate: Estate, license_: License) -> Consumption:
    """The highest number of users at a time, shared by hours of use."""
    people = _some_people(estate, license_)
    peak = Decimal(-(-len(people) * 35 // 100))
    week = estate.day.toordinal() // 7
    hours = [1 + estate.dice.below(60, "hours", license_.id, person.id, week) for person in people]
    lines = [
        _user_line(estate, license_, person, amount, "Peak shared by hours of use")
        for person, amount in zip(people, share(peak, hours), strict=True)
    ]
    return Consumption.of(lines)


def custom_metric(estate: Estate, license_: License) -> Consumption:
    """A figure typed in by hand, without anyone behind it."""
    return Consumption([], Decimal(1_200 + estate.day.month * 25 + license_.id % 50), "owner_unallocated")


def nobody(estate: Estate, license_: License) -> Consumption:  # noqa: ARG001
    """A license nobody consumes."""
    return Consumption([], Decimal(0))


def _machine_line(
    estate: Estate,
    license_: License,
    machine: Machine,
    amount: Decimal,
    approach: str,
    own: Decimal | None = None,
) -> Line:
    return Line(
        recharged=amount,
        approach=approach,
        machine=machine,
        consumption=amount if own is None else own,
        products=products_of(estate, license_, machine.id),
        instances=instances_of(license_, machine.name, machine.id),
    )


def _user_line(
    estate: Estate,
    license_: License,
    person: Person,
    amount: Decimal,
    approach: str,
    machine: Machine | None = None,
    allocated: bool | None = None,
) -> Line:
    return Line(
        recharged=amount,
        approach=approach,
        user=person,
        machine=machine,
        consumption=amount,
        products=products_of(estate, license_, person.id),
        allocated=allocated,
    )


def _some_people(estate: Estate, license_: License) -> list[Person]:
    """The people a license is for; now and then one starts or stops using it."""
    dice, day = estate.dice, estate.day
    return [
        person
        for person in estate.people
        if dice.chance(
            license_.percent, "use", license_.id, person.id, dice.era(day, 300, license_.id, person.id)
        )
    ]


def _partitions(estate: Estate, license_: License) -> list[Machine]:
    return [machine for machine in installed(estate, license_, VIRTUAL) if _is_power(machine)]


def _is_power(machine: Machine) -> bool:
    return machine.host is not None and machine.host.is_power


def _cluster_cores(estate: Estate, cluster_id: int) -> Decimal:
    return Decimal(sum(host.cores for host in estate.hosts if host.cluster and host.cluster.id == cluster_id))


def _server_cores(host: Host) -> Decimal:
    return Decimal(max(16, host.sockets * max(8, host.cores // host.sockets)))


def _up(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_CEILING)
