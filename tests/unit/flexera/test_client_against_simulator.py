"""The client against the simulator: whole lists, whatever the server does on the way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests
from client_world import Clock, OpenBudget

from chargeback.errors import AccessDenied, LicenseGone, PagingError, ServiceBusy
from chargeback.flexera import FlexeraClient
from chargeback.settings import FlexeraSettings
from flexera_simulator.testing import RunningSimulator, running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = {"tenant": "load", "licenses": 3, "rows": 300, "page_size": 40, "requests_per_minute": 0}


@contextmanager
def client_of(
    simulator: RunningSimulator, password: str | None = None, **extra: Any
) -> Iterator[FlexeraClient]:
    connection = simulator.connection()
    settings = FlexeraSettings.from_connection(
        connection["login"], password or connection["password"], connection["extra"] | extra
    )
    clock = Clock()
    with requests.Session() as session:
        yield FlexeraClient.over(session, settings, OpenBudget(clock), sleep=clock.sleep)


def license_ids(client: FlexeraClient) -> list[str]:
    return [str(row["id"]) for page in client.license_pages() for row in page.rows]


def row_count(client: FlexeraClient, license_id: str) -> int:
    return sum(len(page.rows) for page in client.consumption_pages(license_id))


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(**ROWS) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(simulator: RunningSimulator) -> None:
    simulator.reset()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="as documented"),
        pytest.param({"next_page": "absolute"}, id="absolute addresses"),
        pytest.param({"last_page": "null"}, id="null at the end"),
        pytest.param({"last_page": "empty"}, id="empty text at the end"),
        pytest.param({"licenses_shape": "envelope", "licenses_page_size": 1}, id="paged license list"),
        pytest.param({"gzip": False}, id="not compressed"),
        pytest.param({"expires_in": "text"}, id="life of the token as text"),
        pytest.param({"page_size": 1, "rows": 12}, id="one row a page"),
    ],
)
def test_every_row_is_read_however_the_pages_are_written(
    simulator: RunningSimulator, settings: dict[str, Any]
) -> None:
    simulator.set(**settings)
    with client_of(simulator) as client:
        total = sum(row_count(client, license_id) for license_id in license_ids(client))

    assert total == simulator.settings.rows
    assert simulator.refused_writes() == []


def test_a_page_size_makes_fewer_requests(simulator: RunningSimulator) -> None:
    with client_of(simulator, page_size=1000) as client:
        ids = license_ids(client)
        for license_id in ids:
            row_count(client, license_id)

        assert client.request_count == simulator.api_request_count() == len(ids) + 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503, "body": "html"},
        {"status": 504, "body": "empty"},
        {"status": 200, "body": "html"},
        {"truncate_json": True},
        {"cut_body_after": 100},
        {"status": 429, "headers": {"retry-after": "7200"}},
        {"status": 401},
        {"revoke_tokens": True},
        {"replace_body": '{"name": "internal_error", "message": "m", "temporary": true}'},
    ],
    ids=str,
)
def test_a_fault_on_the_way_costs_no_row(simulator: RunningSimulator, fault: dict[str, Any]) -> None:
    with client_of(simulator) as client:
        license_id = license_ids(client)[0]
        expected = row_count(client, license_id)
        rule = simulator.add_fault(license=license_id, page=2, **fault)

        assert row_count(client, license_id) == expected > 40
        assert rule.struck_count == 1


def test_tokens_that_die_early_are_renewed_on_the_way(simulator: RunningSimulator) -> None:
    with client_of(simulator) as client:
        license_id = license_ids(client)[0]
        expected = row_count(client, license_id)
        issued_before = simulator.counters()["tokens_issued"]
        simulator.add_fault(license=license_id, revoke_tokens=True, times=3)

        assert row_count(client, license_id) == expected
    assert simulator.counters()["tokens_issued"] == issued_before + 3


def test_a_license_that_goes_while_it_is_read_is_gone(simulator: RunningSimulator) -> None:
    with client_of(simulator) as client:
        license_id = license_ids(client)[0]
        simulator.add_fault(license=license_id, page=3, not_found=True)
        pages = client.consumption_pages(license_id)

        assert [next(pages).number, next(pages).number] == [1, 2]
        with pytest.raises(LicenseGone, match=f"license {license_id} page 3: 404"):
            next(pages)


def test_an_interrupted_walk_goes_on_with_a_new_client(simulator: RunningSimulator) -> None:
    with client_of(simulator) as client:
        license_id = license_ids(client)[0]
        first = next(client.consumption_pages(license_id))
        whole = row_count(client, license_id)
    with client_of(simulator) as client:
        rest = list(client.consumption_pages(license_id, after=first.next_page, first_number=2))

    assert rest[0].number == 2
    assert len(first.rows) + sum(len(page.rows) for page in rest) == whole


@pytest.mark.parametrize(("next_page", "words"), [("foreign_host", "leads to"), ("same_page", "leads back")])
def test_a_chain_that_leads_astray_is_not_followed(
    simulator: RunningSimulator, next_page: str, words: str
) -> None:
    with client_of(simulator) as client:
        license_id = license_ids(client)[0]
        simulator.set(next_page=next_page)
        with pytest.raises(PagingError, match=words):
            row_count(client, license_id)


def test_a_wrong_secret_is_denied_without_an_api_request(simulator: RunningSimulator) -> None:
    with client_of(simulator, password="wrong") as client, pytest.raises(AccessDenied, match="access token"):
        license_ids(client)

    assert simulator.api_request_count() == 0


def test_another_organization_is_denied(simulator: RunningSimulator) -> None:
    with (
        client_of(simulator, org_id="99999") as client,
        pytest.raises(AccessDenied, match="license list page 1: 403"),
    ):
        license_ids(client)


def test_a_server_that_stays_down_is_told_after_some_tries(simulator: RunningSimulator) -> None:
    simulator.add_fault(path="/licenses", status=503, body="html", times=None)

    with client_of(simulator) as client, pytest.raises(ServiceBusy, match="license list page 1: 503"):
        license_ids(client)

    assert simulator.api_request_count() == 6
