"""The same lines give the same rows and keys: built again, on another day, or by another load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargeback.steps.build import LAYERS

if TYPE_CHECKING:
    from warehouse_nights import Nights

MACHINE = {"device_id": "d1", "host_id": "h1", "cluster_name": "c", "device_cost_center": "A/B"}
LINES = [
    {**MACHINE, "recharged_cost": 1},
    {**MACHINE, "recharged_cost": 2},
    {"page_number": 2, "device_name": "nameless", "device_location": "EMEA", "recharged_cost": 4},
    {"page_number": 2, "recharged_cost": 8},
]
LICENSE = {"license_id": "1", "license_name": "x", "license_type": "Device", "consumed": 0, "lines": LINES}
NIGHT = {"licenses": [LICENSE]}
PREVIOUS = {"snapshot_date": "2026-11-23", "licenses": [LICENSE, {**LICENSE, "license_id": "2"}]}
KEEPING = {
    "on_license_failure": "keep_previous",
    "licenses": [LICENSE, {"license_id": "2", "license_type": "Device", "extraction": "failed"}],
}


@pytest.mark.parametrize("night", [NIGHT, KEEPING], ids=["own rows", "rows carried forward"])
def test_building_a_load_again_changes_nothing(nights: Nights, night: dict[str, Any]) -> None:
    nights.run(PREVIOUS)
    nights.run(night)
    nights.connection.exec_driver_sql("delete from ops.snapshots where load_id = 2")
    first = everything(nights)

    nights.build()

    assert everything(nights) == first


def test_another_load_of_the_same_lines_has_the_same_keys(nights: Nights) -> None:
    nights.run(NIGHT)
    first = everything(nights)

    nights.run(NIGHT)

    assert everything(nights) == first
    assert len(nights.rows("bi.chargeback")) == 3


def test_rows_carried_forward_have_the_keys_they_were_published_under(nights: Nights) -> None:
    nights.run(PREVIOUS)
    before = {row["consumer_key"] for row in nights.rows("mart.fct_chargeback")}

    nights.run(KEEPING)

    carried = [row for row in nights.rows("mart.fct_chargeback") if row["is_carried_forward"]]
    assert {row["consumer_key"] for row in carried} == before


def everything(nights: Nights) -> dict[str, list[str]]:
    return {
        table: sorted(
            str({name: value for name, value in row.items() if name != "load_id"})
            for row in nights.rows(f"{layer}.{table}")
        )
        for layer, tables in LAYERS.items()
        for table in tables
    }
