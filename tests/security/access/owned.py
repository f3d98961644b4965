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
# What is told of whole licenses, hosts, clusters or nights is closed to owners.
# The star is for who sees all of it, and the samples of a check may be anybody's rows.
CLOSED = {
    *("license_position", "host_consumption", "cluster_consumption", "method_fit"),
    *(
        "fact_chargeback",
        "fact_license_position",
        "fact_product_use",
        "dim_license",
        "dim_consumer",
        "dim_date",
    ),
    "data_quality",
}
# The same for everybody.
REFERENCE = {"method", "delta_reason"}
EXPLAINED = (
    "snapshot_date", "org_id", "license_id", "license_name", "consumer_type", "device_name", "user_name", "cost_center",
    "method_id", "recharged_consumption", "recharged_cost", "derived_consumption", "derived_cost", "delta_reason",
)  # fmt: skip
CHARGES = ("chargeback", "chargeback_current")


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
    if view in {*REFERENCE, "month"}:
        return table(admin, view)
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
