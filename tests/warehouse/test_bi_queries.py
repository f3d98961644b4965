"""The ten questions of include/bi_queries, answered for two months that are small enough to work out by hand."""

from __future__ import annotations

import random
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from asked_queries import FOLDER, QUERIES, query

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from warehouse_nights import Nights

PAGE = FOLDER.parents[1] / "docs" / "queries.md"
NOVEMBER = date(2026, 11, 1)
EFFECTS = (
    "price_effect",
    "quantity_effect",
    "ownership_effect",
    "new_license_effect",
    "ended_license_effect",
)


def device(
    device_id: str, cost_center: str | None, quantity: object, cost: object, **more: object
) -> dict[str, object]:
    return {
        "device_id": device_id,
        "device_name": f"srv-{device_id}",
        "device_cost_center": cost_center,
        "recharged_consumption": quantity,
        "recharged_cost": cost,
        **more,
    }


ON_HOST = {
    "device_type": "Virtual Machine",
    "host_id": "h1",
    "host_name": "host-1",
    "cluster_name": "cluster-1",
    "cores": 4,
}
OCTOBER_NIGHT = {
    "snapshot_date": "2026-10-31",
    "licenses": [
        {
            "license_id": "1",
            "license_name": "Databases",
            "license_type": "Device",
            "consumed": 4,
            "lines": [
                device("d1", "A/x", 1, 10, **ON_HOST, page_number=1),
                device("d2", "A", 2, 20, **ON_HOST),
                device("d3", "B", 1, 10),
            ],
        },
        {
            "license_id": "2",
            "license_name": "Desks",
            "license_type": "Named User",
            "consumed": 1,
            "lines": [
                {"user_id": "u1", "user_cost_center": "B", "recharged_consumption": 1, "recharged_cost": 5}
            ],
        },
    ],
}
# The price rises from 10 to 12, d2 uses one more, d3 moves from B to A, d4 is new, d1 is renamed.
NOVEMBER_NIGHT = {
    "snapshot_date": "2026-11-24",
    "licenses": [
        {
            "license_id": "1",
            "license_name": "Databases",
            "license_type": "Device",
            "purchased": 5,
            "consumed": 6,
            "lines": [
                device("d1", "A/x", 1, 12, **ON_HOST) | {"device_name": "db-new-name"},
                device("d2", "A", 3, 36, **ON_HOST),
                device("d3", "A", 1, 12),
                device("d4", "B", 1, 12),
            ],
        },
        {
            "license_id": "3",
            "license_name": "Processors",
            "license_type": "Processor",
            "purchased": 10,
            "consumed": 3,
            "lines": [
                device("d1", "A/x", 1, 100, **ON_HOST),
                device("d9", None, 1, 7),
                {"recharged_consumption": 1, "recharged_cost": 8},
            ],
        },
    ],
}


@pytest.fixture
def months(nights: Nights) -> Nights:
    """A night that another one of its month follows, the last one of October, and the last one of November."""
    nights.run({**OCTOBER_NIGHT, "snapshot_date": "2026-10-30", "licenses": OCTOBER_NIGHT["licenses"][:1]})
    nights.run(OCTOBER_NIGHT)
    nights.run(NOVEMBER_NIGHT)
    return nights


def answer(connection: Connection, name: str, **asked: object) -> list[dict[str, Any]]:
    """The rows of a query, as an analyst sees them."""
    with connection.begin_nested():
        connection.exec_driver_sql("set local role chargeback_analyst")
        text = query(name, **asked)
        rows = connection.execution_options(no_parameters=True).exec_driver_sql(text).mappings().all()
        connection.exec_driver_sql("reset role")
    return [dict(row) for row in rows]


def only(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in rows]


def test_a_month_is_charged_what_its_last_published_night_says(
    connection: Connection, months: Nights
) -> None:
    rows = months.rows("bi.month")

    assert sorted(only(rows, "month", "snapshot_date", "previous_snapshot_date", "snapshot_count")) == [
        (date(2026, 10, 1), date(2026, 10, 31), None, 2),
        (date(2026, 11, 1), date(2026, 11, 24), date(2026, 10, 31), 1),
    ]


def test_this_month_by_cost_center_and_one_level_down(connection: Connection, months: Nights) -> None:
    top = answer(connection, "this_month_by_cost_center", month=NOVEMBER)
    below = answer(connection, "this_month_by_cost_center", month=NOVEMBER, parent_path="A")

    assert only(top, "path", "own_cost", "total_cost", "license_count") == [
        ("A", 48, 160, 2),
        ("Unassigned", 15, 15, 1),
        ("B", 12, 12, 1),
    ]
    assert only(below, "path", "own_cost", "total_cost") == [("A/x", 112, 112)]


@pytest.mark.parametrize(
    ("cost_center", "expected"),
    [
        (
            None,
            [
                ("Processor", 0, 115, 115, 0, 0, 0, 115, 0),
                ("Device", 40, 72, 32, 10, 22, 0, 0, 0),
                ("Named User", 5, 0, -5, 0, 0, 0, 0, -5),
            ],
        ),
        ("A", [("Processor", 0, 100, 100, 0, 0, 0, 100, 0), ("Device", 30, 60, 30, 10, 10, 10, 0, 0)]),
        ("B", [("Named User", 5, 0, -5, 0, 0, 0, 0, -5), ("Device", 10, 12, 2, 0, 12, -10, 0, 0)]),
    ],
)
def test_month_on_month_splits_in_price_quantity_and_ownership(
    connection: Connection, months: Nights, cost_center: str | None, expected: list[tuple[Any, ...]]
) -> None:
    rows = answer(connection, "month_on_month_by_license_type", month=NOVEMBER, cost_center=cost_center)

    assert only(rows, "license_type", "cost_before", "cost", "difference", *EFFECTS) == expected


def test_two_nights_are_compared_by_the_query_that_the_page_shows(
    connection: Connection, months: Nights
) -> None:
    [text] = re.findall(r"```sql\n(with\n\nbefore as .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    nights = text.replace("2026-11-24", "2026-10-31").replace("2026-11-25", "2026-11-24")

    rows = [dict(row) for row in connection.exec_driver_sql(nights).mappings()]

    effects = ("difference", "quantity_effect", "price_effect", "moved_cost")
    assert only(rows, "license_name", *effects) == [
        ("Processors", 115, 115, 0, 0),
        ("Databases", 32, 22, 10, 10),
        ("Desks", -5, -5, 0, 0),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_effects_of_random_months_are_those_of_each_charge_and_add_up(
    connection: Connection, nights: Nights, seed: int
) -> None:
    before, after = random_night(seed), random_night(seed + 100)
    nights.run(as_night("2026-10-31", before))
    nights.run(as_night("2026-11-24", after))

    for cost_center in (None, "A", "B"):
        rows = answer(connection, "month_on_month_by_license_type", month=NOVEMBER, cost_center=cost_center)
        expected = effects(before, after, cost_center)
        assert sum(row["difference"] for row in rows) == own_cost(after, cost_center) - own_cost(
            before, cost_center
        )
        for row in rows:
            assert sum(row[name] for name in EFFECTS) == row["difference"] == row["cost"] - row["cost_before"]
        for name in EFFECTS:
            assert abs(Fraction(sum(row[name] for row in rows)) - expected[name]) <= Fraction("0.01"), name


def random_night(seed: int) -> dict[str, tuple[str, Decimal, Decimal]]:
    """Device to its cost center, quantity and cost: all of one license."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    price = Decimal(dice.randint(100, 2000)) / 100
    quantities = {
        f"d{number}": Decimal(dice.randint(1, 30)) / 7 for number in range(12) if dice.random() < 0.8
    }
    return {
        device_id: (dice.choice(["A", "A/x", "B"]), round(quantity, 6), round(quantity * price, 2))
        for device_id, quantity in quantities.items()
    }


def as_night(snapshot_date: str, charges: dict[str, tuple[str, Decimal, Decimal]]) -> dict[str, Any]:
    lines = [device(device_id, *charge) for device_id, charge in charges.items()]
    consumed = sum(charge[1] for charge in charges.values())
    return {
        "snapshot_date": snapshot_date,
        "allowed_shrink_percent": 100,
        "licenses": [{"license_id": "1", "license_type": "Device", "consumed": consumed, "lines": lines}],
    }


def own_cost(charges: dict[str, tuple[str, Decimal, Decimal]], cost_center: str | None) -> Decimal:
    return sum((cost for owner, _, cost in charges.values() if is_own(owner, cost_center)), Decimal(0))


def is_own(owner: str, cost_center: str | None) -> bool:
    return cost_center is None or owner == cost_center or owner.startswith(f"{cost_center}/")


def effects(before: dict[str, Any], after: dict[str, Any], cost_center: str | None) -> dict[str, Fraction]:
    """The effects worked out device by device, in exact fractions."""
    found = dict.fromkeys(EFFECTS, Fraction(0))
    for device_id in {*before, *after}:
        old_owner, old_quantity, old_cost = before.get(device_id, ("", 0, 0))
        owner, quantity, cost = after.get(device_id, ("", 0, 0))
        was_own = device_id in before and is_own(old_owner, cost_center)
        now_own = device_id in after and is_own(owner, cost_center)
        if device_id in before and device_id in after:
            found["ownership_effect"] += Fraction(old_cost) * (now_own - was_own)
            if now_own:
                at_old_price = Fraction(old_cost) * Fraction(quantity) / Fraction(old_quantity)
                found["quantity_effect"] += at_old_price - Fraction(old_cost)
                found["price_effect"] += Fraction(cost) - at_old_price
        else:
            found["quantity_effect"] += Fraction(cost) * now_own - Fraction(old_cost) * was_own
    return found


def test_top_movers_are_the_largest_differences_up_or_down(connection: Connection, months: Nights) -> None:
    rows = answer(connection, "top_movers", month=NOVEMBER)

    assert only(rows, "path", "license_name", "cost_before", "cost", "difference") == [
        ("A/x", "Processors", 0, 100, 100),
        ("A", "Databases", 20, 48, 28),
        ("Unassigned", "Processors", 0, 15, 15),
        ("B", "Desks", 5, 0, -5),
        ("A/x", "Databases", 10, 12, 2),
        ("B", "Databases", 10, 12, 2),
    ]


def test_a_statement_lists_every_charge_of_a_cost_center_and_below(
    connection: Connection, months: Nights
) -> None:
    rows = answer(connection, "cost_center_statement", month=NOVEMBER, cost_center="A")

    assert only(rows, "cost_center", "license_name", "consumer", "recharged_cost") == [
        ("A", "Databases", "srv-d2", 36),
        ("A", "Databases", "srv-d3", 12),
        ("A/x", "Processors", "srv-d1", 100),
        ("A/x", "Databases", "db-new-name", 12),
    ]
    assert all(row["consumer"] in row["explanation"] for row in rows)


def test_the_license_position_begins_with_what_is_short(connection: Connection, months: Nights) -> None:
    rows = answer(connection, "license_position", month=NOVEMBER)

    assert only(rows, "license_name", "purchased", "consumed", "available", "recharged_cost") == [
        ("Databases", 5, 6, -1, 72),
        ("Processors", 10, 3, 7, 115),
    ]


def test_unallocated_is_what_has_no_consumer_or_no_cost_center(
    connection: Connection, months: Nights
) -> None:
    rows = answer(connection, "unallocated", month=NOVEMBER)

    assert only(rows, "license_name", "without_consumer_cost", "without_cost_center_cost", "residue") == [
        ("Processors", 8, 7, 0)
    ]


def test_the_history_of_a_machine_goes_on_when_it_is_renamed(connection: Connection, months: Nights) -> None:
    rows = answer(
        connection, "vm_history", device_id="d1", from_date=date(2026, 10, 31), to_date=date(2026, 11, 30)
    )

    assert only(
        rows, "snapshot_date", "license_name", "device_name", "host_name", "cost_center", "recharged_cost"
    ) == [
        (date(2026, 10, 31), "Databases", "srv-d1", "host-1", "A/x", 10),
        (date(2026, 11, 24), "Databases", "db-new-name", "host-1", "A/x", 12),
        (date(2026, 11, 24), "Processors", "srv-d1", "host-1", "A/x", 100),
    ]


def test_a_cluster_is_split_over_its_machines(connection: Connection, months: Nights) -> None:
    rows = answer(connection, "cluster_split", month=NOVEMBER, cluster_name="cluster-1")

    assert only(
        rows, "license_name", "device_name", "cost_center", "recharged_consumption", "cluster_consumption"
    ) == [
        ("Databases", "db-new-name", "A/x", 1, 4),
        ("Databases", "srv-d2", "A", 3, 4),
        ("Processors", "srv-d1", "A/x", 1, 1),
    ]
    assert only(rows, "cluster_cost") == [(48,), (48,), (100,)]


def test_a_device_is_found_by_a_part_of_its_name_or_id(connection: Connection, months: Nights) -> None:
    by_name = answer(connection, "device_search", month=NOVEMBER, text="NEW-NAME")
    by_id = answer(connection, "device_search", month=NOVEMBER, text="d4")

    assert only(by_name, "device_id", "cost_center", "license_count", "recharged_cost") == [
        ("d1", "A/x", 1, 12)
    ]
    assert only(by_id, "device_id", "cost_center", "license_count", "recharged_cost") == [("d4", "B", 1, 12)]


def test_the_export_has_every_charge_of_the_night_with_every_column(
    connection: Connection, months: Nights
) -> None:
    rows = answer(connection, "full_export", snapshot_date=date(2026, 11, 24))

    assert len(rows) == 7
    assert sum(row["recharged_cost"] for row in rows) == 187
    assert list(rows[0]) == list(months.rows("bi.chargeback")[0])


def test_another_organization_is_not_mixed_in(connection: Connection, months: Nights) -> None:
    before = {name: sorted(map(str, answer(connection, name))) for name in QUERIES}
    months.org_id = "another"
    months.run(OCTOBER_NIGHT)
    months.run({**NOVEMBER_NIGHT, "snapshot_date": "2026-11-25"})

    assert {name: sorted(map(str, answer(connection, name))) for name in QUERIES} == before


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_begins_with_its_question_and_reads_bi_only(name: str) -> None:
    text = query(name)

    assert text.startswith("-- ")
    assert "?" in text.splitlines()[0]
    assert not any(f"{schema}." in text for schema in ("mart", "ops", "intermediate", "staging"))


def test_there_are_ten() -> None:
    assert len(QUERIES) == 10
