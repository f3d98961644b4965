"""What the nightly job keeps and says where the simulator misbehaves, in a real warehouse."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from chargeback.errors import EndpointMissing, PagingError, PayloadChanged
from chargeback.flexera import FieldMap, FlexeraClient
from chargeback.settings import FlexeraSettings
from chargeback.steps import extract, loads
from chargeback.steps.load_request import LoadRequest
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = datetime.date(2026, 11, 24)
FIELD_MAP = FieldMap.read(Path(__file__).resolve().parents[2] / "include" / "config" / "field_map.yaml")
DISTURBED = "500001"


class NoLimit:
    """A budget for a server without a limit."""

    def take(self) -> None:
        """At once."""

    def block(self, seconds: float) -> None:
        raise AssertionError(f"the server wants {seconds} s of patience")

    def note_remaining(self, remaining: int) -> None:
        """Nobody to tell."""

    def note_answer(self) -> None:
        """Nobody to tell."""

    def has_answered(self) -> bool:
        return False


@dataclass
class Job:
    """The job's first two steps on one load."""

    client: FlexeraClient
    database: Database
    load_id: int

    def list_licenses(self) -> list[str]:
        batches = extract.list_licenses(self.client, self.database, FIELD_MAP, self.load_id, 1024)
        return [license_id for batch in batches for license_id in batch["license_ids"]]

    def extract(self, license_ids: list[str]) -> dict[str, int]:
        return extract.consumption(self.client, self.database, FIELD_MAP, self.load_id, license_ids)

    def extractions(self) -> dict[str, tuple[str, int]]:
        """Status and number of pages of each license's newest extraction."""
        with self.database.transaction() as connection:
            rows = execute(
                connection,
                "select license_id, status, page_count from ops.extractions order by extraction_id",
            )
            return {license_id: (status, page_count) for license_id, status, page_count in rows}


@pytest.fixture
def job(call: Callable[..., Any], warehouse_url: str) -> Iterator[Job]:
    """A load that is open, and a client that finds no page too long to wait for."""
    connection = call(page_size=20).simulator.connection()
    settings = FlexeraSettings.from_connection(
        connection["login"], connection["password"], connection["extra"]
    )
    database = Database.connect(warehouse_url)
    request = LoadRequest(org_id=settings.org_id, snapshot_date=DAY, today=DAY)
    with requests.Session() as session:
        client = FlexeraClient.over(session, settings, NoLimit(), sleep=lambda _: None)
        yield Job(client, database, loads.open_load(database, request))


def test_a_license_deleted_while_it_is_read_is_a_recorded_fact(job: Job, shared: Any) -> None:
    shared.use_profile("license_deleted_while_read")
    license_ids = job.list_licenses()

    counts = job.extract(license_ids)

    found = job.extractions()
    assert counts["licenses"] == len(license_ids) == 5
    assert found.pop(DISTURBED)[0] == "deleted"
    assert {status for status, _ in found.values()} == {"complete"}


def test_a_required_field_that_no_row_has_stops_its_license_with_the_paths_named(
    job: Job, shared: Any
) -> None:
    shared.use_profile("required_field_missing")
    license_ids = job.list_licenses()

    has = r"no row has .*chargeback\.cost.*; the rows have device\.id, .*showback\.cost, "
    with pytest.raises(PayloadChanged, match=rf"(?s)License {DISTURBED}: {has}"):
        job.extract(license_ids)

    found = job.extractions()
    assert found.pop(DISTURBED)[0] == "failed"
    assert {status for status, _ in found.values()} == {"complete"}


IDLE = [{"device": {"id": 1}, "consumption": 0}, {"device": {"id": 2}, "consumption": None}]
CHARGED = {"device": {"id": 3}, "consumption": 5, "chargeback": {"consumption": 5, "cost": 10}}


def page_of(rows: object, next_page: str | None = None) -> dict[str, Any]:
    return {"replace_body": json.dumps({"values": rows, "nextPage": next_page}), "license": DISTURBED}


@pytest.mark.parametrize(
    ("pages", "row_count"),
    [
        pytest.param([[CHARGED], IDLE], 3, id="idle consumers on the last page"),
        pytest.param([IDLE, [CHARGED]], 3, id="idle consumers on the first page"),
        pytest.param([[CHARGED], None], 1, id="null on the last page"),
        pytest.param([None], 0, id="null on the only page"),
        pytest.param([None, [CHARGED]], 1, id="null on the first page"),
    ],
)
def test_a_page_without_charges_does_not_mean_that_the_api_changed(
    job: Job, shared: Any, pages: list[object], row_count: int
) -> None:
    for number, rows in enumerate(pages, start=1):
        path = f"/fnms/v1/orgs/12345/licenses/{DISTURBED}/consumption?skipToken=p{number}"
        shared.add_fault(**page_of(rows, path if number < len(pages) else None), times=1)
    job.list_licenses()

    counts = job.extract([DISTURBED])

    assert (counts["pages"], counts["rows"]) == (len(pages), row_count)
    assert job.extractions()[DISTURBED] == ("complete", len(pages))


def test_a_license_that_consumes_and_shows_idle_consumers_only_has_changed(job: Job, shared: Any) -> None:
    shared.add_fault(**page_of(IDLE), times=None)
    job.list_licenses()

    with pytest.raises(PayloadChanged, match=r"no row has .*, although it consumes"):
        job.extract([DISTURBED])


def test_a_license_list_without_names_stops_the_load_with_the_paths_named(job: Job, shared: Any) -> None:
    shared.use_profile("license_name_missing")

    with pytest.raises(PayloadChanged, match=r"License list page 1: .*licenseName"):
        job.list_licenses()


def test_a_license_whose_cursor_expired_is_read_anew_by_the_next_attempt(job: Job, shared: Any) -> None:
    shared.use_profile("cursor_expires")
    job.list_licenses()

    with pytest.raises(PagingError, match=f"license {DISTURBED} page 2: 400"):
        job.extract([DISTURBED])
    assert job.extractions()[DISTURBED] == ("failed", 1)
    shared.drop_profile("cursor_expires")
    counts = job.extract([DISTURBED])

    assert job.extractions()[DISTURBED] == ("complete", counts["pages"])
    assert counts["rows"] == shared.totals()["licenses"][DISTURBED]["row_count"]


@pytest.mark.parametrize("profile", ["next_page_same", "next_page_circle"])
def test_a_license_whose_pages_led_back_is_read_anew_by_the_next_attempt(
    job: Job, shared: Any, profile: str
) -> None:
    shared.use_profile(profile)
    with pytest.raises(PagingError, match=f"license {DISTURBED} page .*leads back"):
        job.extract([DISTURBED])
    shared.drop_profile(profile)
    counts = job.extract([DISTURBED])

    assert job.extractions()[DISTURBED] == ("complete", counts["pages"])
    assert counts["rows"] == shared.totals()["licenses"][DISTURBED]["row_count"]


def test_licenses_without_consumption_that_the_list_still_holds_fail(job: Job, shared: Any) -> None:
    license_ids = job.list_licenses()
    for license_id in license_ids[:3]:
        shared.add_fault(license=license_id, not_found=True, times=None)

    with pytest.raises(EndpointMissing, match=f"3 licenses failed, first: license {DISTURBED} page 1: 404"):
        job.extract(license_ids)

    statuses = [status for status, _ in job.extractions().values()]
    assert statuses == ["failed"] * 3 + ["complete"] * 2
    assert shared.simulator.look_count == 2


def test_many_deleted_licenses_cost_one_more_look_at_the_list(
    job: Job, shared: Any, call: Callable[..., Any]
) -> None:
    license_ids = job.list_licenses()
    for license_id in license_ids[:3]:
        shared.add_fault(license=license_id, not_found=True, delists=True, times=None)
        call().consumption(license_id)

    job.extract(license_ids)

    statuses = [status for status, _ in job.extractions().values()]
    assert statuses == ["deleted"] * 3 + ["complete"] * 2
    assert shared.simulator.look_count == 2


def test_an_empty_list_deletes_no_license(job: Job, shared: Any) -> None:
    license_ids = job.list_licenses()
    shared.add_fault(license=DISTURBED, not_found=True, times=None)
    shared.add_fault(path=r"/licenses$", replace_body="[]", times=None)

    with pytest.raises(EndpointMissing, match="The license list does not show that it was deleted"):
        job.extract(license_ids)
