"""Whatever JSON a license has at any member, nothing is lost without trace, and no other license is touched."""

from __future__ import annotations

import datetime
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests
from any_page import ROW, body, pages, written
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chargeback import hooks
from chargeback.flexera import FlexeraClient, parse_page
from chargeback.flexera.json_text import utf8
from chargeback.methods import Catalog
from chargeback.settings import FlexeraSettings
from chargeback.steps.flatten import _Buffers, _flatten_page
from chargeback.steps.load_request import LoadRequest
from chargeback.steps.snapshot import build_snapshot
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database, _copy_line, execute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flexera_simulator.testing import RunningSimulator

DAY = datetime.date(2026, 11, 24)
FIELD_MAP = hooks.field_map()
PAGES = int(os.environ.get("ANY_PAGES", "200"))
GOOD = "500005"
ODD = ("500001", "500002", "500003", "500004")
# One pool of one host, in a cluster and in none.
POOL_ROWS = ("500001", [[written(ROW), written(ROW | {"cluster": None, "user": {"id": 6}})]])


@settings(max_examples=PAGES, deadline=None, suppress_health_check=list(HealthCheck))
@given(pages(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-be", "cp1252"]))
@example([[written(ROW)]], "utf-8")
def test_every_row_of_any_page_becomes_a_line_or_goes_to_quarantine(
    read: list[list[str]], charset: str
) -> None:
    for number, page in enumerate(read, start=1):
        counts = {"lines": 0, "quarantined": 0}
        buffers = _Buffers(None)  # type: ignore[arg-type]  # so few rows wait for no connection
        text = utf8(body(page).encode(charset, "replace")).decode()

        _flatten_page(buffers, FIELD_MAP, (1, "1", number), text, counts)

        assert len(parse_page(text.encode()).rows) == len(page)
        assert counts["lines"] + counts["quarantined"] == len(page)
        for rows in buffers.rows.values():
            assert not any(b"\0" in _copy_line(row) for row in rows)
        for row in buffers.rows["intermediate.int_consumption_lines"]:
            assert all(fits(value) for value in row if isinstance(value, Decimal))


def fits(value: Decimal) -> bool:
    return value.is_finite() and len(value.as_tuple().digits) <= 38 and abs(value.adjusted()) <= 38


class World:
    """A tenant of five licenses, the last one good, and a warehouse."""

    def __init__(self, simulator: RunningSimulator, database: Database) -> None:
        self.simulator = simulator
        self.database = database

    def publish(self, odd: dict[str, list[list[str]]]) -> int:
        """One snapshot with these rows of the odd licenses."""
        for license_id, read in odd.items():
            path = f"/fnms/v1/orgs/12345/licenses/{license_id}/consumption"
            for number, page in enumerate(read, start=1):
                next_page = f"{path}?skipToken=p{number}" if number < len(read) else None
                self.simulator.add_fault(license=license_id, replace_body=body(page, next_page), times=1)
        request = LoadRequest(
            org_id="12345",
            snapshot_date=DAY,
            today=DAY,
            on_license_failure="keep_previous",
            allowed_gap_percent=Decimal(100),
            allowed_shrink_percent=Decimal(100),
        )
        connection = self.simulator.connection()
        account = FlexeraSettings.from_connection(
            connection["login"], connection["password"], connection["extra"]
        )
        budget = RequestBudget(self.database.raw_connection, account.budget_id, 0)
        with requests.Session() as session:
            client = FlexeraClient.over(session, account, budget)
            return build_snapshot(client, self.database, FIELD_MAP, Catalog.read(), request)

    def value(self, statement: str, **parameters: object) -> Any:
        with self.database.transaction() as connection:
            return execute(connection, statement, **parameters).scalar_one()


@pytest.fixture(scope="module")
def world(module_warehouse_url: str, shared: RunningSimulator) -> Iterator[World]:
    """A world with a snapshot that holds every license, so that one that is refused keeps its rows."""
    shared.set(page_size=20)
    found = World(shared, Database.connect(module_warehouse_url))
    found.publish({})
    yield found
    shared.reset()


@settings(
    max_examples=max(PAGES // 60, 1),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(odd=st.fixed_dictionaries({license_id: pages() for license_id in ODD}))
@example(odd={POOL_ROWS[0]: POOL_ROWS[1]})
def test_a_good_license_beside_odd_ones_is_published_to_the_cent(
    world: World, odd: dict[str, list[list[str]]]
) -> None:
    world.simulator.clear_faults()

    load_id = world.publish(odd)

    charged = world.value("select sum(recharged_cost) from bi.chargeback where license_id = %(id)s", id=GOOD)
    assert charged == Decimal(world.simulator.totals()["licenses"][GOOD]["recharged_cost"])
    for license_id, read in odd.items():
        _is_accounted_for(world, load_id, license_id, sum(map(len, read)))


def _is_accounted_for(world: World, load_id: int, license_id: str, sent: int) -> None:
    of_license = {"load_id": load_id, "id": license_id}
    where = "where load_id = %(load_id)s and license_id = %(id)s"
    status = world.value(
        f"select status from ops.extractions {where} order by attempt desc limit 1", **of_license
    )
    if status == "failed":
        error = world.value(f"select error from ops.extractions {where} limit 1", **of_license)
        assert "no row has" in error
        return
    counts = [
        world.value(f"select count(*) from {table} {where}", **of_license)
        for table in ("intermediate.int_consumption_lines", "ops.quarantined_rows")
    ]
    assert (status, sum(counts)) == ("complete", sent)


def test_cells_that_decide_nothing_cost_nothing_and_are_named(world: World) -> None:
    world.simulator.clear_faults()
    world.simulator.use_profile("unreadable_cells")

    load_id = world.publish({})

    world.simulator.drop_profile("unreadable_cells")
    totals = world.simulator.totals()["licenses"].values()
    assert world.value("select sum(recharged_cost) from bi.chargeback") == sum(
        Decimal(total["recharged_cost"]) for total in totals
    )
    assert world.value(
        "select cell_count from ops.unread_cells where load_id = %(id)s and license_id = %(of)s "
        "and column_name = 'consuming_installations'",
        id=load_id,
        of=GOOD,
    ) == world.value("select row_count from bi.license_position where license_id = %(of)s", of=GOOD)
    assert "consuming_installations cannot in" in world.value(
        "select sample::text from ops.check_results where load_id = %(id)s and check_name = 'cells_are_readable'",
        id=load_id,
    )


def test_an_entry_of_the_license_list_costs_itself_only(world: World) -> None:
    licenses = [
        {
            "id": 500005.0,
            "name": "Good",
            "type": "Device",
            "company": ["Adobe"],
            "status": {"code": 1},
            "version": ["2019"],
            "expiryDate": "31/12/2026",
            "compliance": {"purchasedEntitlementCount": "Unlimited", "consumedEntitlementCount": "many"},
        },
        {"name": "Visio", "type": "User"},
        {"id": {"value": 7}, "name": "Project", "type": "User"},
        None,
    ]
    world.simulator.clear_faults()
    world.simulator.add_fault(path="/licenses", replace_body=json.dumps(licenses))

    load_id = world.publish({})

    total = world.simulator.totals()["licenses"][GOOD]
    assert world.value("select sum(recharged_cost) from bi.chargeback") == Decimal(total["recharged_cost"])
    assert (
        world.value(
            "select string_agg(column_name, ' ' order by column_name) from ops.unread_cells "
            "where load_id = %(id)s and license_id = '500005'",
            id=load_id,
        )
        == "consumed expires_on license_status publisher purchased version"
    )
    assert "license_id cannot in 3, first: missing, of 'Visio'" in world.value(
        "select sample::text from ops.check_results where load_id = %(id)s and check_name = 'cells_are_readable'",
        id=load_id,
    )
