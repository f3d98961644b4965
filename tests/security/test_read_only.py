"""After the token nothing but GET is sent, and only to the API, whatever fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from bad_nights import CLIENT_SECRET
from foreign_host import foreign_host
from leaky_simulator import TOKEN_PATH, leaky_simulator
from no_budget import NoBudget

from chargeback.errors import FinalError
from chargeback.hooks import FlexeraHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bad_nights import BadNights
    from foreign_host import ForeignHost
    from leaky_simulator import LeakySimulator

REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture(scope="module")
def flexera() -> Iterator[LeakySimulator]:
    with leaky_simulator(client_secret=CLIENT_SECRET) as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[ForeignHost]:
    with foreign_host() as host:
        yield host


def read(flexera: LeakySimulator, monkeypatch: pytest.MonkeyPatch, **extra: object) -> tuple[bool, str]:
    """Get a token and the license list, with the connection as a task finds it."""
    connection = flexera.connection()
    fields = {**connection, "extra": {**connection["extra"], **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(fields))
    try:
        return FlexeraHook().test_connection()
    finally:
        flexera.clear_faults()


def test_the_nights_sent_nothing_but_get_after_the_token(bad_nights: BadNights) -> None:
    simulator = bad_nights.simulator

    assert simulator.other_than_get() == []
    assert simulator.refused_writes() == []
    assert set(simulator.counters()["by_method"]) == {"GET"}
    assert simulator.api_request_count() > len(bad_nights.licenses)


def test_the_nights_sent_nothing_to_another_host(bad_nights: BadNights) -> None:
    assert bad_nights.foreign.requests == []


def test_the_nights_sent_the_token_to_the_api_only(bad_nights: BadNights) -> None:
    seen = bad_nights.simulator.gateway.requests

    assert all(request.token for request in seen if request.path != TOKEN_PATH)
    assert not any(request.token for request in seen if request.path == TOKEN_PATH)
    assert not any(token in request.path for request in seen for token in [request.token] if token)


@pytest.mark.parametrize("max_redirects", [None, 5])
@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_of_the_api_is_not_followed(
    status: int,
    max_redirects: int | None,
    flexera: LeakySimulator,
    elsewhere: ForeignHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flexera.add_fault(path="/licenses", status=status, redirect_to=f"{elsewhere.url}/?token={{token}}&then=")

    is_good, message = read(flexera, monkeypatch, max_redirects=max_redirects)

    assert not is_good
    assert f"{status} to host 127.0.0.1, not followed" in message
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_of_the_login_service_does_not_take_the_secret_along(
    status: int, flexera: LeakySimulator, elsewhere: ForeignHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    flexera.add_fault(path=TOKEN_PATH, status=status, redirect_to=elsewhere.url)

    is_good, message = read(flexera, monkeypatch)

    assert not is_good
    assert message.startswith(f"access token: {status}. Check zone and token_url")
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "link",
    [
        "{elsewhere}/fnms/v1?skipToken=1",
        "//{elsewhere host}/fnms/v1?skipToken=1",
        "{flexera}@{elsewhere host}/fnms/v1?skipToken=1",
        "http://{flexera host}:pass@{elsewhere host}/?skipToken=1",
        "{elsewhere}/../fnms/v1?skipToken=1",
        "\t{elsewhere}/fnms/v1?skipToken=1",
        "\\\\{elsewhere host}\\fnms?skipToken=1",
        "http:\\\\{elsewhere host}/fnms?skipToken=1",
        "/\\{elsewhere host}/fnms?skipToken=1",
        "@{elsewhere host}/fnms?skipToken=1",
        ":80@{elsewhere host}/fnms?skipToken=1",
        ".{elsewhere host}/fnms?skipToken=1",
        "{flexera}.{elsewhere host}/fnms?skipToken=1",
    ],
)
def test_a_link_to_another_host_is_not_followed(
    link: str, flexera: LeakySimulator, elsewhere: ForeignHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, url in {"flexera": flexera.url, "elsewhere": elsewhere.url}.items():
        link = link.replace(f"{{{name}}}", url).replace(f"{{{name} host}}", url.removeprefix("http://"))
    flexera.add_fault(license="41201", replace_body=json.dumps({"values": [], "nextPage": link}))
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(flexera.connection()))

    with pytest.raises(FinalError):
        list(FlexeraHook().get_client(NoBudget()).consumption_pages("41201"))

    assert elsewhere.requests == []
