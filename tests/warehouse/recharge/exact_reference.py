"""The recharge rules once more, in exact fractions and plain Python, for comparison."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Node = dict[str, Any]


def exact(value: object) -> Fraction:
    """A number as it is written; nothing counts as nothing."""
    return Fraction(0) if value is None else Fraction(str(value))


def settled(total: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    """Whole units of a total pro rata to weights, the rest by largest remainder, ties by name."""
    whole = sum(weights.values(), Fraction(0))
    if not whole:
        return dict.fromkeys(weights, 0)
    shares = {name: total * weight / whole for name, weight in weights.items()}
    units = {name: floor(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (units[name] - shares[name], name.encode()))
    for name in by_remainder[: total - sum(units.values())]:
        units[name] += 1
    return units


def rounded(value: Fraction) -> int:
    """Half up of an amount without its sign."""
    return floor(value + Fraction(1, 2))


def costs(units: Mapping[str, int], price: Fraction, scale: int) -> dict[str, int]:
    """Cents of each share: the license is rounded once, the rest by largest remainder."""
    shares = {name: Fraction(count, 10**scale) * price * 100 for name, count in units.items()}
    whole = {name: floor(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (whole[name] - shares[name], name.encode()))
    for name in by_remainder[: rounded(sum(shares.values(), Fraction(0))) - sum(whole.values())]:
        whole[name] += 1
    return whole


class CapacityTree:
    """Capacity upward and shares downward over nodes with parents, in sub-capacity or in full."""

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        is_sub_capacity: bool,
        round_at: str,
        flat: bool,
        weight: str = "capped_cores",
    ) -> None:
        self.nodes = {node["node_id"]: node for node in nodes}
        self.is_sub_capacity = is_sub_capacity
        self.round_at = round_at
        self.flat = flat
        self.weight = weight
        self.children: dict[str | None, list[str]] = {}
        for node in nodes:
            self.children.setdefault(node.get("parent_node_id"), []).append(node["node_id"])

    def machines(self, name: str) -> list[Node]:
        """The machines with the software in a node, itself included."""
        node = self.nodes[name]
        if node["node_type"] == "virtual_machine":
            return [node] if node.get("has_installation") is not False else []
        return [machine for child in self.children.get(name, []) for machine in self.machines(child)]

    def capacity(self, name: str) -> Fraction:
        """What a node uses of its cores."""
        node = self.nodes[name]
        if not (machines := self.machines(name)):
            return Fraction(0)
        if node["node_type"] == "virtual_machine":
            return self._machine(node)
        inside = sum((self.capacity(child) for child in self.children.get(name, [])), Fraction(0))
        if node["node_type"] != "host":
            return self._whole(_capped(inside, node.get("capped_cores")))
        is_eligible = all(machine.get("is_eligible_for_sub_capacity") is not False for machine in machines)
        if self.is_sub_capacity and is_eligible:
            return max(_capped(inside, node.get("cores")), Fraction(0))
        return max(exact(node.get("cores")), Fraction(0))

    def _machine(self, node: Node) -> Fraction:
        is_capped = self.is_sub_capacity or node.get("parent_node_id") is not None
        cores = exact(node.get("cores"))
        cores = _capped(cores, node.get("capped_cores")) if is_capped else cores
        return self._whole(cores)

    def _whole(self, cores: Fraction) -> Fraction:
        return Fraction(ceil(max(cores, 0))) if self.round_at == "partition" else max(cores, Fraction(0))

    def points(self) -> dict[str, Fraction]:
        """What each node under the license counts."""
        tops = [name for name in self.children.get(None, []) if self.machines(name)]
        return {name: self.capacity(name) * exact(self.nodes[name].get("points_per_core")) for name in tops}

    def consumption(self) -> Fraction:
        """What the license counts."""
        total = sum(self.points().values(), Fraction(0))
        return Fraction(ceil(total)) if self.round_at == "sum" else total

    def shares(self, scale: int) -> dict[str, int]:
        """Units of every machine; what nobody has a weight for stands under 'unallocated at <node>'."""
        found: dict[str, int] = {}
        total = rounded(self.consumption() * 10**scale)
        points = self.points()
        if total and not sum(points.values(), Fraction(0)):
            return {"unallocated at ": total}
        for name, units in settled(total, points).items():
            self._share(name, units, found)
        return found

    def _share(self, name: str, units: int, found: dict[str, int]) -> None:
        node = self.nodes[name]
        if node["node_type"] == "virtual_machine":
            found[name] = units
            return
        below = [child for child in self.children.get(name, []) if self.machines(child)]
        if self.flat:
            below = [machine["node_id"] for machine in self.machines(name)]
        weights = {child: self._weight(child) for child in below}
        if units and not sum(weights.values(), Fraction(0)):
            found[f"unallocated at {name}"] = units
        for child, part in settled(units, weights).items():
            if sum(weights.values(), Fraction(0)):
                self._share(child, part, found)
            else:
                found.update(dict.fromkeys((machine["node_id"] for machine in self.machines(child)), 0))

    def _weight(self, name: str) -> Fraction:
        """By what a node shares with its siblings: what it uses, the cores it has, or evenly."""
        if self.weight == "equal":
            return Fraction(1)
        if self.weight == "cores":
            return max(exact(self.nodes[name].get("cores")), Fraction(0))
        return self.capacity(name)


def _capped(value: Fraction, cap: object) -> Fraction:
    return value if cap is None else min(value, exact(cap))
