"""What those who watch the job are told of a load: figures of its own organization, and of nobody else's."""

from __future__ import annotations

from datetime import date

import pytest
from warehouse_nights import Nights

from chargeback.steps import figures
from chargeback.warehouse.database import Database

DAY, NEXT_DAY = date(2026, 11, 24), date(2026, 11, 25)
LINE = {"device_id": "d1", "cost_per_right": 10, "recharged_consumption": 4, "recharged_cost": 40}
WHOLE = {"license_id": "1", "license_type": "Device", "consumed": 4, "lines": [LINE]}
WITH_RESIDUE = {"license_id": "2", "license_type": "Device", "consumed": 5, "lines": [LINE]}
OURS = {"snapshot_date": DAY, "allowed_gap_percent": 50, "licenses": [WHOLE, WITH_RESIDUE]}
THEIRS = {"snapshot_date": NEXT_DAY, "licenses": [WHOLE]}


@pytest.fixture
def database(warehouse_url: str) -> Database:
    """A warehouse in which another organization has a newer snapshot."""
    database = Database.connect(warehouse_url)
    with database.transaction() as connection:
        nights = Nights(connection)
        nights.run(OURS)
        nights.org_id = "another"
        nights.run(THEIRS)
    return database


def test_the_snapshot_in_figures_is_that_of_the_loads_organization(database: Database) -> None:
    ours, theirs = (figures.read(database, load_id, "no budget") for load_id in (1, 2))

    assert (ours[0], theirs[0]) == ("12345", "another")
    assert [found["snapshot_licenses"] for _, found in (ours, theirs)] == [2, 1]
    assert [found["recharged_cost"] for _, found in (ours, theirs)] == [80, 40]


def test_what_does_not_add_up_is_counted_and_priced(database: Database) -> None:
    _, found = figures.read(database, 1, "no budget")

    assert found["residue_licenses"] == 1
    assert abs(found["residue_cost"]) == 10  # one right, at what a right costs
    assert "requests_of_budget" not in found, "a budget that nobody used has no figure"
