"""The machines: clusters, hosts, virtual machines, partitions, cloud instances, servers, computers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from flexera_simulator.organization import LOCATIONS, Owner, Person, owner_on, people_on

if TYPE_CHECKING:
    import datetime

    from flexera_simulator.dice import Dice

# name, location, hosts, cores of a host, virtual machine slots, the software its machines are for
CLUSTERS = (
    ("vc-lyon-1", "EMEA/France/Lyon", 4, 32, 56, ("oracle", "oracle", "oracle", "app")),
    ("vc-lyon-2", "EMEA/France/Lyon", 5, 24, 70, ("sql", "sql", "app", "web")),
    ("vc-munich-1", "EMEA/Germany/Munich", 4, 32, 60, ("ibm", "ibm", "sap", "app")),
    ("vc-munich-vdi", "EMEA/Germany/Munich/Garching", 3, 48, 45, ("vdi",)),
    ("vc-austin-1", "AMER/USA/Austin", 6, 32, 84, ("oracle", "sql", "linux", "web", "ibm")),
    ("vc-osaka-1", "APAC/Japan/Osaka", 3, 28, 42, ("linux", "web", "sql", "sap")),
)
POWER_HOSTS = (("power-lyon", "EMEA/France/Lyon", 3, 24), ("power-munich", "EMEA/Germany/Munich", 3, 40))
PARTITIONS_PER_HOST = 7
CLOUD_SLOTS = 64
SERVER_COUNT = 28
SAME_NAME = "fs01"  # one in each of two domains
ODD_VM_NAMES = {
    5: "münchen-app-05",
    17: "legacy,app-17",
    29: 'web "blue" 29',
    41: "=1+1",
    53: "名古屋-db-53",
    65: SAME_NAME,
    77: SAME_NAME,
    89: "@home-89",
    101: "-dash-101",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Host:
    id: int
    name: str
    cores: int
    sockets: int
    cluster: Cluster | None
    owner: Owner

    @property
    def is_power(self) -> bool:
        return self.cluster is None


@dataclass(frozen=True, slots=True)
class Pool:
    """A shared processor pool with a cap."""

    name: str
    cores: int


@dataclass(frozen=True, slots=True)
class Machine:
    id: int
    name: str
    kind: str
    cores: int
    role: str
    owner: Owner
    host: Host | None = None
    capped_cores: Decimal | None = None
    pool: Pool | None = None
    sockets: int = 1
    user: Person | None = None

    @property
    def effective_cores(self) -> Decimal:
        """Its cores, or its cap where that is lower."""
        cores = Decimal(self.cores)
        return cores if self.capped_cores is None else min(cores, self.capped_cores)


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything there is on one day."""

    day: datetime.date
    dice: Dice
    people: list[Person]
    hosts: list[Host]
    machines: list[Machine]

    def of_kind(self, *kinds: str) -> list[Machine]:
        return [machine for machine in self.machines if machine.kind in kinds]


def estate_on(dice: Dice, day: datetime.date) -> Estate:
    """The estate of a day, drawn without knowing any other day."""
    people = people_on(dice, day)
    clustered = [_cluster_hosts(dice, day, number) for number in range(len(CLUSTERS))]
    power = _power_hosts(dice, day)
    machines = [
        *(vm for number, hosts in enumerate(clustered) for vm in _virtual_machines(dice, day, number, hosts)),
        *(partition for host in power for partition in _partitions(dice, day, host)),
        *_cloud_instances(dice, day),
        *(_server(dice, day, number) for number in range(SERVER_COUNT)),
        *_computers(dice, day, people),
    ]
    hosts = [host for cluster in clustered for host in cluster] + power
    return Estate(day, dice, people, hosts, machines)


def _cluster_hosts(dice: Dice, day: datetime.date, number: int) -> list[Host]:
    name, location, count, cores, _, _ = CLUSTERS[number]
    cluster = Cluster(80_001 + number, name)
    return [
        Host(
            88_000 + number * 100 + index,
            f"esx-{name.removeprefix('vc-')}-{index + 1:02d}",
            cores,
            2,
            cluster,
            _placed(dice, day, location, "host", number, index),
        )
        for index in range(count)
    ]


def _power_hosts(dice: Dice, day: datetime.date) -> list[Host]:
    return [
        Host(
            89_000 + number * 100 + index,
            f"{name}-{index + 1:02d}",
            cores,
            2,
            None,
            _placed(dice, day, location, "power", number, index),
        )
        for number, (name, location, count, cores) in enumerate(POWER_HOSTS)
        for index in range(count)
    ]


def _virtual_machines(dice: Dice, day: datetime.date, number: int, hosts: list[Host]) -> list[Machine]:
    slots, roles = CLUSTERS[number][4:]
    first = sum(cluster[4] for cluster in CLUSTERS[:number])
    found = (_virtual_machine(dice, day, first + slot, hosts, roles) for slot in range(slots))
    return [machine for machine in found if machine is not None]


def _virtual_machine(
    dice: Dice, day: datetime.date, slot: int, hosts: list[Host], roles: tuple[str, ...]
) -> Machine | None:
    """The machine in a slot: many stay for good, others give way to a new one after some months."""
    life = _life(dice, day, "vm", slot)
    if life is None:
        return None
    role = dice.pick(roles, "role", slot)
    host = dice.pick(hosts, "host", slot, dice.era(day, 40, "move", slot))
    cores = dice.pick((2, 4, 4, 8, 8, 12), "cores", slot, life)
    grown = 2 if dice.chance(20, "grown", slot, dice.era(day, 200, "growth", slot)) else 1
    site = (host.cluster.name if host.cluster else host.name).split("-")[1]
    name = ODD_VM_NAMES.get(slot, f"{site}-{role}-{slot:03d}" + (f"-g{life % 100}" if life else ""))
    cap = Decimal(cores) / 2 if dice.chance(12, "cap", slot, life) else None
    return Machine(
        200_000 + slot * 100 + life % 100,
        name,
        "Virtual Machine",
        cores * grown,
        role,
        owner_on(dice, day, "vm", slot, life),
        host,
        capped_cores=cap,
    )


def _partitions(dice: Dice, day: datetime.date, host: Host) -> list[Machine]:
    pools = (None, Pool(f"{host.name}-pool-A", host.cores // 4), Pool(f"{host.name}-pool-B", host.cores // 3))
    partitions = []
    for index in range(PARTITIONS_PER_HOST):
        life = _life(dice, day, "lpar", host.id, index)
        if life is None:
            continue
        cap = dice.pick((None, "0.5", "1.25", "2.75", "4", "6.5"), "cap", host.id, index, life)
        role = ("oracle", "ibm")[index % 2]
        partitions.append(
            Machine(
                400_000 + (host.id - 89_000) * 1_000 + index * 100 + life % 100,
                f"{host.name}-lpar{index + 1}",
                "Virtual Machine",
                dice.pick((2, 4, 6, 8), "cores", host.id, index, life),
                role,
                owner_on(dice, day, "lpar", host.id, index, life),
                host,
                capped_cores=None if cap is None else Decimal(cap),
                pool=pools[index % 3],
            )
        )
    return partitions


def _cloud_instances(dice: Dice, day: datetime.date) -> list[Machine]:
    found = []
    for slot in range(CLOUD_SLOTS):
        life = _life(dice, day, "cloud", slot)
        if life is None:
            continue
        role = dice.pick(("web", "sql", "ibm", "linux", "sap", "app"), "cloud role", slot)
        cloud = dice.pick(("aws-eu-west-3", "azure-germany", "aws-us-east-1"), "cloud", slot)
        cores = dice.pick((2, 4, 8, 16), "cloud cores", slot, life)
        owner = owner_on(dice, day, "cloud", slot, life)
        found.append(
            Machine(
                600_000 + slot * 100 + life % 100,
                f"{cloud}-{role}-{slot:03d}",
                "Cloud Instance",
                cores,
                role,
                owner,
            )
        )
    return found


def _server(dice: Dice, day: datetime.date, number: int) -> Machine:
    role = ("oracle", "sql", "app", "sap")[number % 4]
    sockets = dice.pick((1, 2, 2), "sockets", number)
    cores = sockets * dice.pick((6, 8, 10), "server cores", number)
    if number % 8 == 0:  # odd cores, so that a core factor of one half leaves something to round
        sockets, cores = 1, 5 + number // 8 % 2 * 2
    name = SAME_NAME if number == 2 else f"srv-{role}-{number + 1:02d}"
    owner = _placed(dice, day, dice.pick(LOCATIONS, "server", number), "server", number)
    return Machine(90_001 + number, name, "Computer", cores, role, owner, sockets=sockets)


def _computers(dice: Dice, day: datetime.date, people: list[Person]) -> list[Machine]:
    """A laptop or a desktop for nearly everyone; it is its user's cost center that owns it, as a rule."""
    return [
        Machine(
            300_000 + person.id % 100_000,
            f"{'LT' if dice.chance(75, 'laptop', person.id) else 'PC'}-{person.id % 100_000:06d}",
            "Computer",
            dice.pick((4, 8, 8), "computer cores", person.id),
            "desktop",
            owner_on(dice, day, "computer", person.id)
            if dice.chance(3, "odd owner", person.id)
            else person.owner,
            user=person,
        )
        for person in people
        if dice.chance(92, "computer", person.id)
    ]


def _life(dice: Dice, day: datetime.date, *key: object) -> int | None:
    """Which machine in turn sits in a slot: 0 for one that stays; None while the slot is free."""
    if dice.chance(60, "stays", *key):
        return 0
    days = 90 + dice.below(240, "life", *key)
    era, age = dice.era_and_age(day, days, "life", *key)
    return None if age < 12 else era % 99 + 1


def _placed(dice: Dice, day: datetime.date, location: str, *key: object) -> Owner:
    owner = owner_on(dice, day, *key)
    return Owner(location, owner.cost_center, owner.corporate_unit)
