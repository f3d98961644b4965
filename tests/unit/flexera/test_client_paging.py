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


@pytest.mark.parametrize(
    ("address", "flaw"),
    [
        pytest.param("://", "is no address", id="no scheme"),
        pytest.param("://127.0.0.1/x?skipToken=a", "is no address", id="no scheme, a host"),
        pytest.param("http://", "is no address", id="no host"),
        pytest.param("mailto:x", "is no address", id="a scheme without hosts"),
        pytest.param("http://[broken/x", "is no address", id="broken brackets"),
        pytest.param("http://127.0.0.1:port/x", "is no address", id="a port that is none"),
        pytest.param("   ", "is blank", id="blanks"),
        pytest.param("\t\n", "is blank", id="tabs and line breaks"),
        pytest.param("/x?skipToken=a b", "is no address: it holds blanks", id="a blank"),
        pytest.param("/x?skipToken=a\r\nHost: elsewhere", "is no address", id="a line break"),
        pytest.param(" http://127.0.0.1/x", "is no address", id="a blank in front"),
        pytest.param("/x?skipToken=\u00e9", "is no address", id="letters outside ASCII"),
        pytest.param("/x?skipToken=" + "a" * 100_000, "has 100013 letters", id="long"),
    ],
)
def test_a_next_page_that_is_no_address_is_told_as_such(world: World, address: str, flaw: str) -> None:
    world.server.script(page([], address))

    with pytest.raises(PagingError) as caught:
        numbers(world)

    assert str(caught.value).startswith(f"license 41207 page 1: nextPage {flaw}")
    assert str(caught.value).endswith(
        "so no later page can be read. Read it again later; if it happens again, report it to Flexera."
    )
    assert len(str(caught.value)) < 300
    assert len(world.server.requests) == 1


@pytest.mark.parametrize("next_page", [5, {"href": "/x"}, ["/x"], True])
def test_a_next_page_that_is_no_text_is_told_as_such(world: World, next_page: object) -> None:
    world.server.script(page([], next_page))

    with pytest.raises(PayloadChanged, match=r"license 41207 page 1: nextPage is .* where text is expected"):
        numbers(world)


@pytest.mark.parametrize("rows", [[], [{"n": 7}]], ids=["empty", "the same"])
def test_a_list_that_brings_nothing_new_for_long_has_no_end(world: World, rows: list[Any]) -> None:
    world.server.script(*[page(rows, f"/x?skipToken={number}") for number in range(102)])

    with pytest.raises(PagingError, match="license 41207: 100 pages in a row were empty or the same"):
        numbers(world)

    assert len(world.server.requests) <= 101


def test_ninety_empty_pages_are_no_end(world: World) -> None:
    empty = [page([], f"/x?skipToken={number}") for number in range(90)]
    world.server.script(*empty, page([{"n": 1}]))

    assert numbers(world)[-1] == (91, [1])


def test_a_list_of_more_pages_than_the_connection_allows_names_the_setting(world: World) -> None:
    world.server.script(*[page([{"n": number}], f"/x?skipToken={number}") for number in range(5)])
    pages = world.client(max_pages=3).consumption_pages("41207")

    assert [next(pages).number for _ in range(3)] == [1, 2, 3]
    with pytest.raises(
        PagingError, match=r"page 3: 3 pages were read and there are more.* extra max_pages of"
    ):
        next(pages)
    assert len(world.server.requests) == 3


def test_a_list_of_as_many_pages_as_the_connection_allows_is_read(world: World) -> None:
    world.server.script(page([{"n": 1}], "/x?skipToken=a"), page([{"n": 2}]))

    assert [read.number for read in world.client(max_pages=2).consumption_pages("41207")] == [1, 2]


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
