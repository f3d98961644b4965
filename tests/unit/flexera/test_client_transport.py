"""One request and what may become of it."""

from __future__ import annotations

import json
import logging
import pickle
import re
from typing import TYPE_CHECKING

import pytest
from client_world import SECRET
from scripted_server import HTML, Scripted, Seen, envelope, page, scripted_server

from chargeback.errors import (
    AccessDenied,
    ChargebackError,
    ConnectionLost,
    FinalError,
    LicenseGone,
    PagingError,
    PayloadChanged,
    PayloadTooLarge,
    RequestRefused,
    ServiceBusy,
)

if TYPE_CHECKING:
    from client_world import World

TRIES = 6


def read_license(world: World, **changes: object) -> list[object]:
    return [read.rows for read in world.client(**changes).consumption_pages("41207")]


def failure(world: World, kind: type[ChargebackError]) -> str:
    with pytest.raises(kind) as caught:
        read_license(world)
    message = str(caught.value)
    assert SECRET not in message
    assert "token-" not in message
    assert str(pickle.loads(pickle.dumps(caught.value))) == message  # noqa: S301 - our own bytes
    return message


@pytest.mark.parametrize(
    ("answers", "token_answers", "advice"),
    [
        pytest.param([envelope(403)], [], "Check org_id and zone of", id="no role"),
        pytest.param([envelope(405)], [], "Check org_id, zone, api_url and page_size of", id="refused"),
        pytest.param([Scripted(302)], [], "Check org_id, zone, api_url and page_size of", id="redirect"),
        pytest.param(
            [page([], "https://elsewhere.example/x?skipToken=a")], [], "set api_url of", id="another host"
        ),
        pytest.param([], [envelope(401)], "grant_type and zone of", id="login refused"),
        pytest.param([], [envelope(405)], "Check zone and token_url of", id="no login service"),
        pytest.param([], [Scripted(body=b"{}")], "Check token_url of", id="no token"),
    ],
)
def test_what_to_correct_is_said_of_the_connection_that_was_used(
    world: World, answers: list[Scripted], token_answers: list[Scripted], advice: str
) -> None:
    world.server.script(*answers)
    world.server.token_answers.extend(token_answers)

    with pytest.raises(FinalError, match=f"{advice} connection 'flexera_emea'"):
        read_license(world, conn_id="flexera_emea")


def test_a_page_is_read_with_the_token_over_one_connection(world: World) -> None:
    world.server.script(page([{"a": 1}], "/next?skipToken=x"), page([{"a": 2}]))

    assert read_license(world) == [[{"a": 1}], [{"a": 2}]]
    assert {seen.headers["authorization"] for seen in world.server.requests} == {"Bearer token-1"}
    assert {seen.method for seen in world.server.requests} == {"GET"}
    assert (world.budget.taken, world.server.connection_count) == (2, 1)


def test_every_request_takes_its_turn_and_is_counted(world: World) -> None:
    client = world.client()
    world.server.script(envelope(503), envelope(429, **{"retry-after": "7"}), page())

    list(client.consumption_pages("41207"))

    assert client.request_count == world.budget.taken == 3


@pytest.mark.parametrize(
    "answer",
    [
        *[pytest.param(envelope(status), id=f"{status} envelope") for status in (500, 502, 503)],
        *[pytest.param(Scripted(status, b"<html>"), id=f"{status} HTML") for status in (502, 503, 504)],
        pytest.param(Scripted(500), id="500 empty"),
        pytest.param(Scripted(408), id="408"),
        pytest.param(envelope(409, temporary=True), id="what the server calls temporary"),
        pytest.param(HTML, id="HTML with 200"),
        pytest.param(Scripted(200, b'{"values": [{"a": 1}'), id="truncated JSON"),
        pytest.param(Scripted(200, b""), id="empty body"),
        pytest.param(Scripted(200, b'{"values": []}', promised_bytes=500), id="wrong content length"),
        pytest.param(Scripted(200, envelope(500).body), id="error envelope with 200"),
        pytest.param(Scripted(204), id="204"),
        pytest.param(Scripted(404, b"<html>no route</html>"), id="a gateway's 404"),
    ],
)
def test_what_passes_is_tried_again(world: World, answer: Scripted) -> None:
    world.server.script(answer, page([{"a": 1}]))

    assert read_license(world) == [[{"a": 1}]]
    assert len(world.clock.sleeps) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"values": [{"a": "Zo\u00eb"}]}'.encode("utf-16"), "application/json"),
        ('{"values": [{"a": "Zo\u00eb"}]}'.encode("latin-1"), "application/json; charset=ISO-8859-1"),
        ('{"values": [{"a": "Zo\u00eb"}]}'.encode("cp1140"), 'application/json; charset="cp1140"'),
    ],
    ids=["UTF-16", "Latin 1", "EBCDIC"],
)
def test_an_answer_in_another_charset_is_read_at_once_and_kept_in_utf_8(
    world: World, body: bytes, content_type: str
) -> None:
    world.server.script(Scripted(200, body, headers={"content-type": content_type}))

    (read,) = world.client().consumption_pages("41207")

    assert list(read.rows) == [{"a": "Zo\u00eb"}]
    assert json.loads(read.body.decode()) == {"values": [{"a": "Zo\u00eb"}]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"values": [{"a": "19" rack"}]}', "it ends too early"),
        (b'{"values": [], "values": [{"a": 1}]}', "it has two different members 'values'"),
        (b"[{}] trailing", "there is more behind its end"),
    ],
)
def test_an_answer_that_will_never_be_json_fails_at_once_with_its_reason(
    world: World, body: bytes, reason: str
) -> None:
    world.server.script(Scripted(200, body))

    assert f"license 41207 page 1: the answer is not JSON ({reason})" in failure(world, PayloadChanged)
    assert world.clock.sleeps == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(envelope(503), ["503", "error_503", "(id id503)"], id="busy"),
        pytest.param(HTML, ["200", "text/html", "45 bytes"], id="maintenance page"),
        pytest.param(Scripted(200, b""), ["empty body"], id="empty body"),
        pytest.param(Scripted(200, envelope(500).body), ["200", "id500"], id="error envelope with 200"),
    ],
)
def test_patience_ends_with_an_error_that_time_may_heal(
    world: World, answer: Scripted, words: list[str]
) -> None:
    world.server.script(*[answer] * TRIES)

    message = failure(world, ServiceBusy)

    assert message.startswith("license 41207 page 1: ")
    assert all(word in message for word in words)
    assert len(world.server.requests) == TRIES


def test_waits_double_and_stay_within_a_minute(world: World) -> None:
    world.server.script(*[envelope(500)] * TRIES)

    failure(world, ServiceBusy)

    for number, seconds in enumerate(world.clock.sleeps):
        assert 0.25 * 2**number <= seconds <= 0.75 * 2**number
        assert seconds != 0.5 * 2**number, "tasks that failed together would come back together"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="fraction"),
        pytest.param({"retry-after": "0"}, 1.0, id="zero would spin"),
        pytest.param({"retry-after": "7200"}, 60.0, id="more than the limit's window"),
        pytest.param({"retry-after": "nan"}, 5.0, id="no number"),
        pytest.param({}, 5.0, id="no advice"),
        pytest.param(
            {"retry-after": "Tue, 24 Nov 2099 12:00:30 GMT", "date": "Tue, 24 Nov 2099 12:00:00 GMT"},
            30.0,
            id="date on the server's clock",
        ),
    ],
)
def test_a_throttled_request_blocks_everyone_for_as_long_as_the_server_says(
    world: World, headers: dict[str, str], seconds: float
) -> None:
    def throttled(_: Seen) -> Scripted:
        return envelope(429, **headers)

    world.server.script(throttled, page())

    read_license(world)

    assert [round(block) for block in world.budget.blocks] == [round(seconds)]
    assert world.clock.sleeps == []


def test_a_log_tells_what_is_waited_for_before_it_is_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.server.script(envelope(429, **{"retry-after": "40"}), envelope(502, **{"retry-after": "3"}), page())

    with caplog.at_level(logging.INFO, "chargeback.flexera.retry"):
        read_license(world)

    throttled, failed = caplog.messages
    at = r"at \d\d:\d\d:\d\d UTC: license 41207 page 1: "
    assert re.match(rf"Next try in 40 s or more, {at}429 ", throttled)
    assert re.match(rf"Next try in 3\.0 s, {at}502 ", failed)
    assert "token-" not in caplog.text


def test_being_throttled_does_not_use_up_tries(world: World) -> None:
    world.server.script(*[envelope(429, **{"retry-after": "2"})] * (TRIES * 2), page([{"a": 1}]))

    assert read_license(world) == [[{"a": 1}]]


def test_being_throttled_for_too_long_ends_in_an_error_that_time_may_heal(world: World) -> None:
    world.server.script(*[envelope(429, **{"retry-after": "60"})] * 50)

    assert "requests_per_minute" in failure(world, ServiceBusy)
    assert sum(world.budget.blocks) == 600


def test_what_is_left_of_the_budget_is_noted(world: World) -> None:
    world.server.script(
        page([], "/x?skipToken=1", **{"x-ratelimit-remaining": "1"}),
        page([], "/x?skipToken=2", **{"x-ratelimit-remaining": "0"}),
        page([], **{"x-ratelimit-remaining": "soon"}),
    )

    read_license(world)

    assert world.budget.remaining == [1, 0]


def test_a_server_that_calls_its_fault_lasting_is_believed(world: World) -> None:
    world.server.script(envelope(500, temporary=False))

    assert "500" in failure(world, RequestRefused)
    assert len(world.server.requests) == 1


def test_a_refused_role_is_told_with_what_to_do(world: World) -> None:
    world.server.script(envelope(403, name="forbidden"))

    message = failure(world, AccessDenied)

    assert message.startswith("license 41207 page 1: 403 forbidden (id id403): message 403. ")
    assert "role" in message


def test_a_license_that_is_not_there_is_gone_on_any_page(world: World) -> None:
    following = "/fnms/v1/orgs/12345/licenses/41207/consumption?skipToken=x"
    world.server.script(page([], following), envelope(404))

    assert "license 41207 page 2: 404" in failure(world, LicenseGone)


def test_a_license_that_is_gone_for_good_is_gone(world: World) -> None:
    world.server.script(envelope(410))

    assert "410" in failure(world, LicenseGone)


def test_a_next_page_that_leads_nowhere_is_a_broken_chain_and_no_deleted_license(world: World) -> None:
    world.server.script(page([], "/elsewhere?skipToken=x"), envelope(404))

    assert "license 41207 page 2: 404" in failure(world, PagingError)


def test_a_404_that_is_not_the_apis_never_deletes_a_license(world: World) -> None:
    world.server.script(*[Scripted(404, b"<html>no route</html>")] * TRIES)

    assert "not from the API" in failure(world, RequestRefused)


def test_a_license_list_that_is_not_there_is_a_wrong_address(world: World) -> None:
    world.server.script(envelope(404))

    with pytest.raises(RequestRefused, match="license list page 1: 404"):
        list(world.client().license_pages())


def test_a_redirect_is_not_followed_and_the_token_stays_here(world: World) -> None:
    with scripted_server() as elsewhere:
        world.server.script(Scripted(303, b"", {"location": f"{elsewhere.url}/fnms?token=1"}))

        message = failure(world, RequestRefused)

    assert "303 to host 127.0.0.1, not followed" in message
    assert elsewhere.requests == []


def test_a_401_is_answered_with_one_new_token(world: World) -> None:
    world.server.script(envelope(401), page([{"a": 1}]))

    assert read_license(world) == [[{"a": 1}]]
    assert [seen.headers["authorization"] for seen in world.server.requests] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


def test_a_second_401_is_a_denial(world: World) -> None:
    world.server.script(envelope(401), envelope(401, name="unauthorized"))

    assert "401 unauthorized" in failure(world, AccessDenied)
    assert len(world.server.requests) == 2


def test_a_server_that_repeats_token_and_secret_does_not_get_them_into_a_message(world: World) -> None:
    told = json.dumps({"name": "odd", "id": "id9", "message": f"{SECRET}, token-1", "temporary": False})
    world.server.script(Scripted(403, told.encode()))

    assert "(id id9): ***, ***" in failure(world, AccessDenied)


def test_a_secret_that_stands_where_a_message_is_cut_is_taken_out_whole(world: World) -> None:
    told = json.dumps({"name": "odd", "message": "x" * 190 + SECRET, "temporary": False})
    world.server.script(Scripted(403, told.encode()))

    message = failure(world, AccessDenied)

    assert "xxx***" in message
    assert SECRET[:5] not in message


def test_a_netrc_of_the_machine_does_not_replace_the_token(
    world: World, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    world.server.script(page())

    read_license(world)

    assert world.server.requests[0].headers["authorization"] == "Bearer token-1"
    assert "authorization" not in world.server.token_requests[0].headers


def test_a_body_that_trickles_in_is_cut_off_at_the_deadline(world: World) -> None:
    def slow(_: Seen) -> Scripted:
        world.clock.now += 6  # the answer arrives whole, but after the five seconds of the settings
        return page()

    world.server.script(*[slow] * TRIES)

    assert "within 5 s (too slow" in failure(world, ConnectionLost)


def test_an_answer_larger_than_the_connection_allows_is_told_at_once_with_the_setting(world: World) -> None:
    world.server.script(page([{"a": "x" * 1024**2}]))

    with pytest.raises(PayloadTooLarge) as caught:
        list(world.client(max_answer_mb=1).license_pages())

    assert str(caught.value) == (
        "license list page 1: the answer is larger than 1 MB, so the rest of it was not read. Set a smaller extra "
        "page_size of connection 'flexera'; where the server answers in one piece all the same, raise extra "
        "max_answer_mb."
    )
    assert len(world.server.requests) == 1


def test_a_large_answer_that_the_connection_allows_is_read(world: World) -> None:
    world.server.script(page([{"a": "x" * 1024**2}]))

    assert len(read_license(world, max_answer_mb=2)) == 1


def test_a_slow_license_list_names_the_settings(world: World) -> None:
    def slow(_: Seen) -> Scripted:
        world.clock.now += 6
        return page()

    world.server.script(*[slow] * TRIES)

    with pytest.raises(ConnectionLost) as caught:
        list(world.client().license_pages())

    assert str(caught.value).startswith("license list page 1: no whole answer within 5 s (too slow")
    assert str(caught.value).endswith(
        "). Raise extra timeout of connection 'flexera', or set a smaller extra page_size."
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            Scripted(200, b'{"values": []}', promised_bytes=500), "the answer ended early", id="cut short"
        ),
        pytest.param(
            Scripted(200, b"no gzip", {"content-encoding": "gzip"}),
            "its compression is damaged",
            id="no gzip",
        ),
        pytest.param(Scripted(200, b"", {"x": "y" * 70_000}), "the answer is not HTTP", id="endless header"),
    ],
)
def test_a_reply_that_breaks_is_told_in_words(world: World, answer: Scripted, words: str) -> None:
    world.server.script(*[answer] * TRIES)

    assert failure(world, ConnectionLost) == f"license 41207 page 1: no whole answer: {words}. Try later."


@pytest.mark.parametrize(
    "body", [b'{"values": [{"a": 1}', b'/* generated */{"values": []}', b')]}\'{"values": []}']
)
def test_json_that_is_broken_in_the_same_way_each_time_is_not_waited_for(world: World, body: bytes) -> None:
    world.server.script(*[Scripted(200, body, {"content-type": "application/json; charset=utf-8"})] * 3)

    message = failure(world, PayloadChanged)

    assert message.startswith("license 41207 page 1: the answer is not JSON (")
    assert message.endswith("), so nothing of it can be read. Report it to Flexera.")


def test_json_that_is_cut_in_another_way_each_time_may_get_better(world: World) -> None:
    world.server.script(*[Scripted(200, b'{"values": [' + b"1, " * length) for length in range(TRIES)])

    assert "instead of whole JSON. Try later" in failure(world, ServiceBusy)


def test_the_transport_has_no_way_to_write(world: World) -> None:
    transport = world.client()._transport

    assert {name for name in dir(transport) if not name.startswith("_")} == {
        "get",
        "request_count",
        "settings",
        "sign_in",
        "waited_seconds",
    }
