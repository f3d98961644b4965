"""What a license is, and what consuming one comes to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from flexera_simulator.estate import Cluster, Estate, Host, Machine
    from flexera_simulator.organization import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """One license and how its consumption is worked out."""

    id: int
    name: str
    type: str
    publisher: str
    method: Callable[[Estate, License], Consumption]
    price: str | None
    edition: str | None = None
    version: str | None = None
    status: str = "Active"
    expiry_date: str | None = None
    since: datetime.date | None = None
    surplus_percent: int = 10

    points: Decimal = Decimal(1)
    roles: tuple[str, ...] = ()
    percent: int = 60
    products: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFigures:
    """A host as every row of one of its machines shows it."""

    host: Host
    installed_cores: Decimal
    consuming_cores: Decimal
    points_per_core: Decimal | None


@dataclass(frozen=True, slots=True)
class ClusterFigures:
    """A cluster as every row of one of its machines shows it."""

    cluster: Cluster
    cores: int
    installed_cores: Decimal
    consuming_cores: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One consumption row before it is priced."""

    recharged: Decimal
    approach: str
    machine: Machine | None = None
    user: Person | None = None
    host: HostFigures | None = None
    cluster: ClusterFigures | None = None
    consumption: Decimal = Decimal(0)
    host_consumption: Decimal | None = None
    installations: int = 1
    products: tuple[tuple[str, bool], ...] = ()
    instances: tuple[str, ...] = ()
    shows_capacity: bool = False
    eligible_for_sub_capacity: bool | None = None
    allocated: bool | None = None


@dataclass(frozen=True, slots=True)
class Consumption:
    """The rows of a license, what the license consumes, and why the two may differ."""

    lines: list[Line]
    consumed: Decimal
    gap: str | None = None

    @classmethod
    def of(cls, lines: list[Line]) -> Consumption:
        """A license that consumes what its rows recharge."""
        return cls(lines, sum((line.recharged for line in lines), Decimal(0)))
