"""Access tokens: how they are asked for, kept, renewed, and what may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from client_world import SECRET
from scripted_server import HTML, Scripted, Seen, envelope, page

from chargeback.errors import AccessDenied, ChargebackError, PayloadChanged, RequestRefused, ServiceBusy
from chargeback.flexera.auth import TokenSource

if TYPE_CHECKING:
    from client_world import World


def read(world: World, **changes: object) -> None:
    list(world.client(**changes).license_pages())


def form(world: World) -> dict[str, list[str]]:
    return parse_qs(world.server.token_requests[0].body.decode())


def test_a_service_account_sends_its_id_and_secret_as_a_form(world: World) -> None:
    world.server.script(page())

    read(world)

    assert form(world) == {
        "grant_type": ["client_credentials"],
        "client_id": ["account"],
        "client_secret": [SECRET],
    }
    assert "authorization" not in world.server.token_requests[0].headers


def test_a_refresh_token_is_all_a_user_sends(world: World) -> None:
    world.server.script(page())

    read(world, grant_type="refresh_token", client_id=None)

    assert form(world) == {"grant_type": ["refresh_token"], "refresh_token": [SECRET]}


@pytest.mark.parametrize("expires_in", [1000, "1000"], ids=["number", "text"])
def test_a_token_is_renewed_a_margin_before_its_end(world: World, expires_in: object) -> None:
    world.server.token_answers.append(Scripted(body=b'{"access_token": "one", "expires_in": 1000}'))
    client = world.client()
    world.server.script(page([]), page([]), page([]))

    list(client.license_pages())
    world.clock.now += 939
    list(client.license_pages())
    world.clock.now += 1
    list(client.license_pages())

    tokens = [seen.headers["authorization"] for seen in world.server.requests]
    assert tokens == ["Bearer one", "Bearer one", "Bearer token-2"]


def test_a_short_life_has_a_short_margin(world: World) -> None:
    world.server.token_answers.append(world.server.new_token(5))
    client = world.client()
    world.server.script(page([]), page([]))

    list(client.license_pages())
    world.clock.now += 4.4
    list(client.license_pages())

    assert len(world.server.token_requests) == 1


def test_a_life_counts_from_when_the_token_was_asked_for(world: World) -> None:
    def slow(_: Seen) -> Scripted:
        world.clock.now += 3
        return world.server.new_token(10)

    world.server.token_answers.append(slow)
    client = world.client()
    world.server.script(page([]), page([]))

    list(client.license_pages())
    world.clock.now += 6.5  # with the three seconds on its way more than the ten, less the margin
    list(client.license_pages())

    assert len(world.server.token_requests) == 2


def test_a_token_newer_than_the_one_that_was_refused_is_kept(world: World) -> None:
    tokens = TokenSource(world.session, world.settings())
    newest = tokens.token()

    tokens.discard("an older one")

    assert tokens.token() == newest
    assert len(world.server.token_requests) == 1


def test_a_token_that_ends_between_two_pages_is_renewed_and_the_cursor_still_holds(world: World) -> None:
    world.server.script(page([{"n": 1}], "/x?skipToken=a"), page([{"n": 2}]))
    pages = world.client().consumption_pages("41207")

    first = next(pages)
    world.clock.now += 3600
    (second,) = pages

    assert [*first.rows, *second.rows] == [{"n": 1}, {"n": 2}]
    assert world.server.requests[1].headers["authorization"] == "Bearer token-2"


def test_a_life_that_is_not_told_is_taken_as_short(world: World) -> None:
    world.server.token_answers.append(Scripted(body=b'{"access_token": "one"}'))
    world.server.script(page())

    read(world)

    assert world.server.requests[0].headers["authorization"] == "Bearer one"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"access_token": null}', b'{"access_token": ""}', b'{"access_token": "a\\nb"}', b"[]"]
)
def test_an_answer_without_a_token_is_an_error(world: World, body: bytes) -> None:
    world.server.token_answers.append(Scripted(body=body))

    with pytest.raises(PayloadChanged, match="access token: the answer holds no usable access_token"):
        read(world)

    assert world.server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        *[pytest.param(envelope(status), id=str(status)) for status in (429, 500, 502)],
        pytest.param(HTML, id="HTML with 200"),
        pytest.param(Scripted(504, b"<html>"), id="504 HTML"),
    ],
)
def test_a_busy_login_service_is_tried_again(world: World, answer: Scripted) -> None:
    world.server.token_answers.append(answer)
    world.server.script(page())

    read(world)

    assert len(world.server.token_requests) == 2
    assert world.budget.blocks == []  # the limit of the login service is another one


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(envelope(400), AccessDenied, id="wrong grant"),
        pytest.param(envelope(401), AccessDenied, id="wrong secret or zone"),
        pytest.param(envelope(403), AccessDenied, id="no access"),
        pytest.param(envelope(405), RequestRefused, id="wrong address"),
        pytest.param(
            Scripted(302, b"", {"location": "https://elsewhere.example"}), RequestRefused, id="redirect"
        ),
    ],
)
def test_a_refused_login_is_told_at_once(world: World, answer: Scripted, kind: type[ChargebackError]) -> None:
    world.server.token_answers.append(answer)

    with pytest.raises(kind, match=rf"access token: {answer.status}.*connection 'flexera'"):
        read(world)

    assert len(world.server.token_requests) == 1
    assert world.budget.taken == 0


def test_a_login_service_that_stays_busy_is_an_error_that_time_may_heal(world: World) -> None:
    world.server.token_answers.extend([envelope(502)] * 6)

    with pytest.raises(ServiceBusy, match="access token: 502"):
        read(world)


def test_a_server_that_repeats_the_secret_does_not_get_it_into_a_message(world: World) -> None:
    world.server.token_answers.append(
        Scripted(401, f'{{"name": "unauthorized", "message": "no account with {SECRET}"}}'.encode())
    )

    with pytest.raises(AccessDenied) as caught:
        read(world)

    assert SECRET not in str(caught.value)
    assert SECRET not in repr(world.settings())
