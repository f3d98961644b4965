"""What an owner must see of each view, worked out from what the administrator sees, without the database's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from access_world import AccessWorld, Person

TREES = {
    "chargeback_by_cost_center": "cost_center",
    "chargeback_by_corporate_unit": "corporate_unit",
    "chargeback_by_location": "location",
}
# What is told of whole licenses, hosts, clusters or nights is closed to owners, and the samples of a check may be
# anybody's rows.
CLOSED = {
    *("license_position", "host_consumption", "cluster_consumption", "method_fit"),
    *("fact_license_position", "fact_host_consumption", "fact_cluster_consumption"),
    "data_quality",
}
# The same for everybody.
REFERENCE = {"method", "delta_reason"}
EXPLAINED = (
    "snapshot_date", "org_id", "license_id", "license_name", "consumer_type", "device_name", "user_name", "cost_center",
    "method_id", "recharged_consumption", "recharged_cost", "derived_consumption", "derived_cost", "delta_reason",
    "device_id", "user_id", "consumer_identity_key",
)  # fmt: skip
CHARGES = ("chargeback", "chargeback_current")
# Each tree of the star: its dimension, and the name and the key of a node.
UNITS = {f"dim_{tree}": (tree, f"{tree}_key") for tree in TREES.values()}
# The facts that owners see, and which of their keys lead to the members of a dimension that owners see.
FACTS = ("fact_chargeback", "fact_vm_consumption", "fact_product_use")
MEMBERS = {
    "dim_license": "license_key",
    "dim_publisher": "publisher_key",
    "dim_product": "product_key",
    "dim_consumer": "consumer_key",
    "dim_host": "host_key",
    "dim_cluster": "cluster_key",
}
STAR = (*FACTS, *MEMBERS, *UNITS)


@dataclass(frozen=True)
class Subtrees:
    """What somebody was granted: pairs of hierarchy and path."""

    granted: tuple[tuple[str, str], ...]

    def hold(self, hierarchy: str, path: str) -> bool:
        names = path.split("/")
        return any(
            hierarchy == granted and names[: len(top.split("/"))] == top.split("/")
            for granted, top in self.granted
        )

    def charge(self, row: dict[str, object]) -> bool:
        return any(self.hold(each, str(row[each])) for each in ("cost_center", "corporate_unit", "location"))


def grant_all(world: AccessWorld, person: Person, subtrees: Subtrees) -> None:
    for hierarchy, path in subtrees.granted:
        world.grant(person, hierarchy, path)


def table(person: Person, view: str) -> list[dict[str, object]]:
    """Every row of a view of bi, by column name."""
    with person.session() as cursor:
        cursor.execute(f"select * from bi.{view}")
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def expected(admin: Person, view: str, subtrees: Subtrees) -> list[dict[str, object]]:
    """The rows of a view that belong to the subtrees; none of a view that nobody thought of here."""
    if view in CHARGES:
        return [row for row in table(admin, view) if subtrees.charge(row)]
    if view in TREES:
        return [row for row in table(admin, view) if subtrees.hold(TREES[view], str(row["path"]))]
    if view == "explanation":
        return [without_sentence(row) for row in table(admin, "chargeback") if subtrees.charge(row)]
    if view == "vm_consumption":
        return _of_own_devices(admin, subtrees)
    if view in {*REFERENCE, "month", "dim_date"}:
        return table(admin, view)
    if view in STAR:
        return Star(admin, subtrees).expected(view)
    if view == "snapshot":
        shown = ("snapshot_date", "org_id", "status", "published_at")
        return [
            {name: value if name in shown else None for name, value in row.items()}
            for row in table(admin, view)
        ]
    return []


def texts(rows: list[dict[str, object]]) -> list[str]:
    """Rows in an order that two lists share."""
    return sorted(str(sorted(row.items())) for row in rows)


def without_sentence(row: dict[str, object]) -> dict[str, object]:
    """What a charge and its explanation have in common: two people of one name have equal sentences."""
    return {name: row[name] for name in EXPLAINED}


def _of_own_devices(admin: Person, subtrees: Subtrees) -> list[dict[str, object]]:
    """The virtual machines that stand in an own charge of the same license and night."""
    key = ("snapshot_date", "license_id", "device_id", "device_name")
    own = {tuple(row[name] for name in key) for row in expected(admin, "chargeback", subtrees)}
    return [row for row in table(admin, "vm_consumption") if tuple(row[name] for name in key) in own]


class Star:
    """What of the star belongs to somebody, by keys alone."""

    def __init__(self, admin: Person, subtrees: Subtrees) -> None:
        self._admin = admin
        self._subtrees = subtrees
        self._units = {view: table(admin, view) for view in UNITS}
        self._granted = {
            row[key]
            for view, (tree, key) in UNITS.items()
            for row in self._units[view]
            if subtrees.hold(tree, str(row[tree]))
        }
        self._charges = [row for row in table(admin, "fact_chargeback") if self._is_own(row)]

    def expected(self, view: str) -> list[dict[str, object]]:
        if view in FACTS:
            return self._facts(view)
        if view in UNITS:
            return self._nodes(view)
        return self._members(view, MEMBERS[view])

    def _is_own(self, charge: dict[str, object]) -> bool:
        return any(charge[key] in self._granted for _, key in UNITS.values())

    def _facts(self, view: str) -> list[dict[str, object]]:
        """The charges, or what stands beside a charge of the same night, license and consumer."""
        if view == "fact_chargeback":
            return self._charges
        key = ("snapshot_date", "license_key", "consumer_key")
        own = {tuple(row[name] for name in key) for row in self._charges}
        return [row for row in table(self._admin, view) if tuple(row[name] for name in key) in own]

    def _members(self, view: str, key: str) -> list[dict[str, object]]:
        """What own facts name; of hosts and clusters also the one that stands for none, of products the license's."""
        named = {row[key] for fact in FACTS for row in self._facts(fact) if key in row}
        if view == "dim_product":
            own = {row["license_key"] for row in self._charges}
            positions = table(self._admin, "fact_license_position")
            named |= {row[key] for row in positions if row["license_key"] in own}
        return [
            row
            for row in table(self._admin, view)
            if row[key] in named or "Unassigned" in {row.get("host_name"), row.get("cluster_name")}
        ]

    def _nodes(self, view: str) -> list[dict[str, object]]:
        """What was granted, what own charges name beside it, and everything above both."""
        _, key = UNITS[view]
        nodes = {row[key]: row for row in self._units[view]}
        found = (self._granted | {row[key] for row in self._charges}) & set(nodes)
        above = found
        while above:
            above = {nodes[each][f"parent_{key}"] for each in above} - {None}
            found = found | above
        return [nodes[each] for each in found]
