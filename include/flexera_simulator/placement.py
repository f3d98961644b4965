"""Where software is installed, and rows for machines that share their host's consumption."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from flexera_simulator.licenses import ClusterFigures, HostFigures, License, Line
from flexera_simulator.recharge import Capacity, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flexera_simulator.estate import Estate, Host, Machine

PVU_OF_A_POWER_CORE = Decimal(120)


def installed(estate: Estate, license_: License, *kinds: str) -> list[Machine]:
    """The machines of some kinds that run a license's software, in the order of their hosts."""
    found = (
        machine
        for machine in estate.of_kind(*kinds)
        if (not license_.roles or machine.role in license_.roles)
        and estate.dice.chance(license_.percent, "install", license_.id, machine.id)
    )
    return sorted(found, key=lambda machine: (machine.host.id if machine.host else 0, machine.id))


def by_host(machines: Iterable[Machine]) -> list[tuple[Host, list[Machine]]]:
    """Machines grouped by the host they run on."""
    hosted = [(machine.host, machine) for machine in machines if machine.host is not None]
    hosted.sort(key=lambda pair: (pair[0].id, pair[1].pool.name if pair[1].pool else "", pair[1].id))
    groups = groupby(hosted, key=lambda pair: pair[0])
    return [(host, [machine for _, machine in pairs]) for host, pairs in groups]


def capacity(host: Host, machines: Sequence[Machine]) -> Capacity:
    """The host with its pools and machines as layers; machines come sorted by pool."""
    children: list[Capacity] = []
    for pool, members in groupby(machines, key=lambda machine: machine.pool):
        leaves = [Capacity(wanted=machine.effective_cores) for machine in members]
        children.extend(leaves if pool is None else [Capacity(Decimal(pool.cores), leaves)])
    return Capacity(Decimal(host.cores), children)


def pro_rata_to_cores(machines: Sequence[Machine], total: Decimal) -> list[Decimal]:
    return share(total, [machine.effective_cores for machine in machines])


def evenly(machines: Sequence[Machine], total: Decimal) -> list[Decimal]:
    return share(total, [1] * len(machines))


def by_layers(machines: Sequence[Machine], total: Decimal) -> list[Decimal]:
    host = machines[0].host
    return [total] if host is None else capacity(host, machines).shares(total)


class HostSharing:
    """Rows of machines whose hosts consume, each host's figure shared over its machines."""

    def __init__(self, estate: Estate, license_: License, machines: Sequence[Machine]) -> None:
        self._estate = estate
        self._license = license_
        self.groups = by_host(machines)

    def lines(
        self,
        host_totals: Sequence[Decimal],
        consuming_cores: Callable[[Host, Sequence[Machine]], Decimal],
        sharing: Callable[[Sequence[Machine], Decimal], list[Decimal]],
        approach: str,
        *,
        eligible: bool | None = None,
        is_own: bool = False,
    ) -> list[Line]:
        """One line per machine; `is_own` where a machine's share is what it consumes itself."""
        clusters = self._clusters(consuming_cores)
        lines = []
        for (host, machines), total in zip(self.groups, host_totals, strict=True):
            figures = self._figures(host, machines, consuming_cores)
            cluster = clusters[host.cluster.id] if host.cluster else None
            for machine, amount in zip(machines, sharing(machines, total), strict=True):
                lines.append(
                    Line(
                        recharged=amount,
                        approach=approach,
                        machine=machine,
                        host=figures,
                        cluster=cluster,
                        consumption=amount if is_own else Decimal(0),
                        host_consumption=total,
                        products=products_of(self._estate, self._license, machine.id),
                        instances=instances_of(self._license, machine.name, machine.id),
                        shows_capacity=True,
                        eligible_for_sub_capacity=eligible,
                    )
                )
        return lines

    def _figures(
        self,
        host: Host,
        machines: Sequence[Machine],
        consuming_cores: Callable[[Host, Sequence[Machine]], Decimal],
    ) -> HostFigures:
        cores = installed_cores(host, machines)
        return HostFigures(host, cores, consuming_cores(host, machines), points_per_core(self._license, host))

    def _clusters(
        self, consuming_cores: Callable[[Host, Sequence[Machine]], Decimal]
    ) -> dict[int, ClusterFigures]:
        """Each cluster's figures over all its hosts, those without an installation among them."""
        machines_of = {host.id: machines for host, machines in self.groups}
        clusters = {host.cluster.id: host.cluster for host, _ in self.groups if host.cluster}
        figures = {}
        for cluster_id, cluster in clusters.items():
            hosts = [host for host in self._estate.hosts if host.cluster == cluster]
            pairs = [(host, machines_of.get(host.id, [])) for host in hosts]
            figures[cluster_id] = ClusterFigures(
                cluster,
                sum(host.cores for host in hosts),
                sum((installed_cores(host, machines) for host, machines in pairs), Decimal(0)),
                sum((consuming_cores(host, machines) for host, machines in pairs), Decimal(0)),
            )
        return figures


def points_per_core(license_: License, host: Host) -> Decimal:
    """What one core of a host counts for."""
    return PVU_OF_A_POWER_CORE if host.is_power and license_.type == "IBM PVU" else license_.points


def installed_cores(host: Host, machines: Sequence[Machine]) -> Decimal:
    """The cores of the machines with the software, at most the host's."""
    wanted = sum((machine.effective_cores for machine in machines), Decimal(0))
    return min(wanted, Decimal(host.cores))


def used_cores(host: Host, machines: Sequence[Machine]) -> Decimal:
    """The cores in use through every cap; none where nothing is installed."""
    return capacity(host, machines).used() if machines else Decimal(0)


def all_cores(host: Host, machines: Sequence[Machine]) -> Decimal:  # noqa: ARG001
    """Every core of the host, whatever is installed on it."""
    return Decimal(host.cores)


def all_cores_if_installed(host: Host, machines: Sequence[Machine]) -> Decimal:
    """Every core of a host with an installation."""
    return Decimal(host.cores) if machines else Decimal(0)


def products_of(estate: Estate, license_: License, consumer_id: int) -> tuple[tuple[str, bool], ...]:
    """The products behind a row; options are supplementary and not on every machine."""
    main = [(name, False) for name in license_.products or (license_.name,)]
    options = [
        (name, True) for name in license_.options if estate.dice.chance(40, "option", name, consumer_id)
    ]
    return tuple(main + options)


def instances_of(license_: License, machine_name: str, consumer_id: int) -> tuple[str, ...]:
    """The instances on a machine; some machines name one twice."""
    names = tuple(f"{machine_name}~{name}" for name in license_.instances[: 1 + consumer_id % 3])
    return names + names[:1] if names and consumer_id % 7 == 0 else names
