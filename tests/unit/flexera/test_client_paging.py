"""The walk from page to page: where it ends, what it refuses, how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scripted_server import Scripted, envelope, page, scripted_server

from chargeback.errors import PagingError, PayloadChanged

if TYPE_CHECKING:
    from client_world import World

LICENSES = "/fnms/v1/orgs/12345/licenses"
CONSUMPTION = f"{LICENSES}/41207/consumption"


def numbers(world: World, **arguments: Any) -> list[tuple[int, list[int]]]:
    pages = world.client().consumption_pages("41207", **arguments)
    return [(read.number, [row["n"] for row in read.rows]) for read in pages]


def paths(world: World) -> list[str]:
    return [seen.path for seen in world.server.requests]


@pytest.mark.parametrize("last", [..., None, ""], ids=["absent", "null", "empty text"])
def test_a_page_without_a_successor_is_the_last(world: World, last: object) -> None:
    world.server.script(page([{"n": 1}], f"{CONSUMPTION}?skipToken=a"), page([{"n": 2}], last))

    assert numbers(world) == [(1, [1]), (2, [2])]


def test_an_empty_page_in_the_middle_does_not_end_the_walk(world: World) -> None:
    world.server.script(page([], "/x?skipToken=a"), page([], "/x?skipToken=b"), page([{"n": 3}]))

    assert numbers(world) == [(1, []), (2, []), (3, [3])]


def test_pages_are_asked_for_one_by_one(world: World) -> None:
    world.server.script(page([], "/x?skipToken=a"), page())

    next(world.client().consumption_pages("41207"))

    assert len(world.server.requests) == 1


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("a%2Fb%3D%3D", id="encoded"),
        pytest.param("a%2Fb%7E%41", id="encoded more than a library would"),
        pytest.param("a/b+c==", id="not encoded"),
        pytest.param("a%20b&sort=name", id="with more parameters"),
    ],
)
def test_a_cursor_goes_back_exactly_as_it_came(world: World, cursor: str) -> None:
    world.server.script(page([], f"{CONSUMPTION}?skipToken={cursor}"), page([]))

    numbers(world)

    assert paths(world)[1] == f"{CONSUMPTION}?skipToken={cursor}"


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_an_absolute_address_on_the_same_host_is_followed(world: World, scheme: str) -> None:
    host = world.server.url.removeprefix("http://")
    world.server.script(page([], f"{scheme}://{host}/x?skipToken=a"), page([{"n": 2}]))

    assert numbers(world)[1] == (2, [2])
    assert paths(world)[1] == "/x?skipToken=a"


def test_an_address_relative_to_the_page_is_followed(world: World) -> None:
    world.server.script(page([], "?skipToken=a%2F"), page([]))

    numbers(world)

    assert paths(world)[1] == f"{CONSUMPTION}?skipToken=a%2F"


def test_another_host_never_sees_the_token(world: World) -> None:
    with scripted_server() as elsewhere:
        world.server.script(page([], f"{elsewhere.url}/x?skipToken=a"))
        with pytest.raises(PagingError, match=r"^license 41207 page 1: nextPage leads to 127\.0\.0\.1:"):
            numbers(world)

    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/x?skipToken=a",
        "//elsewhere.example/x?skipToken=a",
        "http://127.0.0.1:1/x",
        "http://127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "mailto:x",
        "http://[broken/x",
        "http://127.0.0.1:port/x",
    ],
)
def test_an_address_elsewhere_is_refused(world: World, address: str) -> None:
    world.server.script(page([], address))

    with pytest.raises(PagingError, match="license 41207 page 1"):
        numbers(world)

    assert len(world.server.requests) == 1


def test_a_name_before_the_host_is_not_mistaken_for_it(world: World) -> None:
    host = world.server.url.removeprefix("http://")
    world.server.script(page([], f"http://{host}@elsewhere.example/x"))

    with pytest.raises(PagingError, match=r"leads to elsewhere\.example"):
        numbers(world)


def test_an_address_that_brings_a_login_along_is_refused_even_on_our_host(world: World) -> None:
    host = world.server.url.removeprefix("http://")
    world.server.script(page([], f"http://user:pass@{host}/x"))

    with pytest.raises(PagingError, match=rf"leads to {host}"):
        numbers(world)


@pytest.mark.parametrize("seen", ["/x?skipToken=a", CONSUMPTION], ids=["a later page", "the first page"])
def test_a_page_that_leads_back_is_an_error_after_its_own_rows(world: World, seen: str) -> None:
    world.server.script(
        page([], "/x?skipToken=a"), page([], "/x?skipToken=b"), page([{"n": 3}], seen), page()
    )
    pages = world.client().consumption_pages("41207")

    assert [next(pages).number for _ in range(3)] == [1, 2, 3]
    with pytest.raises(PagingError, match="license 41207 page 3: nextPage leads back"):
        next(pages)
    assert len(world.server.requests) == 3


def test_an_interrupted_walk_goes_on_where_it_was(world: World) -> None:
    world.server.script(page([{"n": 7}], "/x?skipToken=h"), page([{"n": 8}]))

    assert numbers(world, after="/x?skipToken=g", first_number=7) == [(7, [7]), (8, [8])]
    assert paths(world) == ["/x?skipToken=g", "/x?skipToken=h"]


def test_a_cursor_that_has_expired_is_a_broken_chain(world: World) -> None:
    world.server.script(envelope(400))

    with pytest.raises(PagingError, match=r"license 41207 page 7: 400 error_400 \(id id400\)"):
        numbers(world, after="/x?skipToken=g", first_number=7)


def test_the_page_size_is_sent_once_where_it_is_set(world: World) -> None:
    world.server.script(page([], "/x?skipToken=a"), page(), page())

    list(world.client(page_size=200).consumption_pages("41207"))
    list(world.client().license_pages())

    assert paths(world) == [f"{CONSUMPTION}?limit=200", "/x?skipToken=a", LICENSES]


def test_an_id_is_opaque_in_the_address_too(world: World) -> None:
    world.server.script(page([]))

    list(world.client().consumption_pages("../a?b#c d"))

    assert paths(world) == [f"{LICENSES}/..%2Fa%3Fb%23c%20d/consumption"]


def test_a_bare_array_is_one_page(world: World) -> None:
    world.server.script(Scripted(body=b'[{"n": 1}, {"n": 2}]'))

    assert numbers(world) == [(1, [1, 2])]


def test_the_body_is_kept_as_received(world: World) -> None:
    body = '\ufeff{ "values" : [{"cost": 1.10, "name": "\\u0000\\ud800 é"}] }'.encode()
    world.server.script(Scripted(body=body))

    (read,) = world.client().license_pages()

    assert read.body == body
    assert str(read.rows[0]["cost"]) == "1.10"


@pytest.mark.parametrize(
    "body",
    [b'{"rows": []}', b'{"values": {}}', b'"text"', b'{"values": [], "nextPage": 5}'],
)
def test_an_answer_of_another_form_is_told_as_a_changed_api(world: World, body: bytes) -> None:
    world.server.script(Scripted(body=body))

    with pytest.raises(PayloadChanged, match="license 41207 page 1: "):
        numbers(world)
