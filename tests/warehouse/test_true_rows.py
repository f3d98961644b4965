"""What is published depends neither on the size of pages nor on the order of rows."""

from __future__ import annotations

import datetime
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from released_warehouse import Warehouse, night
from sqlalchemy.engine import make_url

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse_nights import Nights

    from flexera_simulator.testing import RunningSimulator

Row = dict[str, Any]
PAGE_SIZES = (1, 2, 3, 100)


def rows_of(seed: int) -> list[Row]:
    """Rows of a few consumers that repeat, differ in figures and contradict each other."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    rows = [
        {
            "device_id": dice.choice(["d1", "d2", "d3", None]),
            "device_name": dice.choice(["one", "two"]),
            "device_cost_center": dice.choice(["A", "A/B", "C", None]),
            "device_location": dice.choice(["L", None]),
            "host_id": dice.choice(["h1", "h2", None]),
            "cluster_name": dice.choice(["c1", "c2", None]),
            "cores": dice.choice([2, 4, None]),
            "recharged_consumption": Decimal(dice.choice(["1", "0.5", "3"])),
            "recharged_cost": Decimal(dice.choice(["10", "5", "30"])),
            "products": [{"product_name": name} for name in dice.sample(["p", "q", "r"], 2)],
        }
        for _ in range(8)
    ]
    return [*rows, *dice.sample(rows, 2)]


def arrangements(rows: list[Row], seed: int) -> Iterator[list[Row]]:
    for size in PAGE_SIZES:
        shuffled = random.Random(f"{seed} {size}").sample(rows, len(rows))  # noqa: S311 - no secret
        yield [{**row, "page_number": place // size + 1} for place, row in enumerate(shuffled)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_known", [True, False], ids=["total known", "total unknown"])
def test_pages_and_order_change_nothing_that_is_published(nights: Nights, seed: int, is_known: bool) -> None:
    rows = rows_of(seed)
    total = sum(row["recharged_consumption"] for row in rows)
    published = []

    for lines in arrangements(rows, seed):
        license_ = {"license_id": "1", "license_type": "Device", "lines": lines}
        nights.run({"licenses": [{**license_, "consumed": total if is_known else None}]})
        published.append(shown(nights))

    assert published[0]["chargeback"], "nothing was published"
    assert sum(row["recharged_cost"] for row in published[0]["chargeback"]) == sum(
        row["recharged_cost"] for row in rows
    )
    for other in published[1:]:
        assert other == published[0]


def shown(nights: Nights) -> dict[str, list[dict[str, Any]]]:
    """What bi shows but the number of pages, each view in an order of its own."""
    views = ["chargeback", "vm_consumption", "host_consumption", "cluster_consumption", "explanation"]
    views += [f"chargeback_by_{tree}" for tree in ("cost_center", "corporate_unit", "location")]
    return {
        view: [
            dict(row)
            for row in execute(
                nights.connection, f"select * from bi.{view} as shown order by shown::text"
            ).mappings()
        ]
        for view in views
    }


@pytest.mark.parametrize(
    ("form", "named"),
    [("several_rows", set()), ("contradicting_rows", {"cost_center", "device_name", "host", "location"})],
)
def test_consumers_of_several_rows_are_charged_all_of_them(
    warehouse_url: str, simulator: RunningSimulator, form: str, named: set[str]
) -> None:
    warehouse = Warehouse(make_url(warehouse_url))
    today = datetime.datetime.now(datetime.UTC).date()
    costs = []

    for page_size in (3, 1000):
        simulator.reset()
        simulator.set(date=today, requests_per_minute=0, page_size=page_size, forms=[form])
        night(
            warehouse,
            simulator,
            today,
            "api",
            license_names=["SQL Server Standard"],
            allowed_gap_percent=100,
            allow_partial=True,
        )
        costs.append(
            warehouse.rows(
                """
                select device_id, cost_center, location, host_id, recharged_consumption, recharged_cost
                from bi.chargeback
                order by device_id
                """
            )
        )

    lines = "intermediate.int_consumer_lines where load_id = (select max(load_id) from ops.loads)"
    assert costs[0] == costs[1]
    assert len(costs[0]) < warehouse.rows(f"select count(*) from {lines}")[0][0]
    assert (
        sum(row[-1] for row in costs[0]) == warehouse.rows(f"select sum(recharged_cost) from {lines}")[0][0]
    )
    found = {
        row[0]
        for row in warehouse.rows("select attribute from intermediate.int_contradictions where place > 1")
    }
    assert named <= found
    agree = "select bool_and(is_passed) from ops.check_results where check_name = 'rows_of_a_consumer_agree'"
    assert warehouse.rows(agree)[0][0] is not bool(named)
