"""Currencies are never added: a snapshot has a total where all its costs are in one."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chargeback.steps import publish
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from warehouse_nights import Nights


@pytest.mark.parametrize(
    ("charges", "total", "currency"),
    [
        ([("EUR", 10), ("eur", 5)], Decimal(15), "EUR"),
        ([("EUR", 10), ("USD", 5)], None, None),
        ([("EUR", 10), (None, 5)], None, None),
        ([(None, 10), (None, 5)], Decimal(15), None),
        ([("EUR", 10), ("USD", 0)], Decimal(10), "EUR"),
        ([], Decimal(0), None),
    ],
)
def test_a_snapshot_has_a_total_in_one_currency_only(
    nights: Nights, charges: list[tuple[str | None, int]], total: Decimal | None, currency: str | None
) -> None:
    nights.run(
        {
            "licenses": [
                {
                    "license_id": number,
                    "license_type": "Device",
                    "lines": [
                        {
                            "device_id": "d",
                            "recharged_cost": cost,
                            "currency": name,
                            "recharged_consumption": 1,
                        }
                    ],
                }
                for number, (name, cost) in enumerate(charges)
            ]
        }
    )

    load: Any = SimpleNamespace(parameters=nights.parameters)
    publish._count(nights.connection, load)

    totals = execute(nights.connection, "select recharged_cost, currency, row_count from ops.loads").one()
    assert tuple(totals) == (total, currency, len(charges))
