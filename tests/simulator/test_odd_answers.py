"""Answers that change, that lie about themselves, or that come in another form."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import socket
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import httpx
import pytest

from flexera_simulator.envelope import ApiError
from flexera_simulator.forms import FORMS
from flexera_simulator.rate_limit import RateLimiter

CONSUMPTION = "/consumption"


def received(caller, path: str) -> bytes:
    """What comes over the connection until it is closed, byte by byte."""
    with asked(caller, path) as connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def received_until_it_stalls(caller, path: str) -> bytes:
    """What comes over the connection until nothing comes any more."""
    parts = []
    with asked(caller, path) as connection, contextlib.suppress(TimeoutError):
        connection.settimeout(0.5)
        while True:
            parts.append(connection.recv(65_536))
            assert parts[-1], "the connection was closed"
    return b"".join(parts)


def asked(caller, path: str) -> socket.socket:
    """A connection on which a page has been asked for."""
    url = httpx.URL(caller.simulator.url)
    lines = [
        f"GET {path} HTTP/1.1",
        "host: x",
        f"authorization: {caller.http.headers['authorization']}",
        "",
        "",
    ]
    connection = socket.create_connection((url.host, url.port))
    connection.sendall("\r\n".join(lines).encode())
    return connection


@pytest.mark.parametrize("error", [50, -50])
def test_content_length_may_be_wrong(call, error):
    caller = call()
    caller.simulator.add_fault(path="licenses$", length_error=error)
    head, _, body = received(caller, caller.path).partition(b"\r\n\r\n")
    assert f"content-length: {len(body) + error}".encode() in head
    assert len(json.loads(body)) == 5


def test_a_connection_may_be_reset_in_a_body(call):
    caller = call()
    caller.simulator.add_fault(path="licenses$", reset_after=20)
    with pytest.raises(ConnectionResetError):
        received(caller, caller.path)


@pytest.mark.parametrize(
    ("rule", "comes"),
    [
        ({"pause_after": 20}, 20),
        ({"pause_every": 7}, 7),
        ({"pause_after": -1}, -1),
        ({"slow_headers": True}, None),
    ],
    ids=str,
)
def test_an_answer_may_stall(call, rule, comes):
    caller = call()
    whole = caller.http.get(caller.path, headers={"accept-encoding": "identity"}).content
    caller.simulator.add_fault(path="licenses$", pause_seconds=30, **rule)
    head, end, body = received_until_it_stalls(caller, caller.path).partition(b"\r\n\r\n")
    assert b"HTTP/1.1 200 OK".startswith(head[:15])
    assert bool(end) == (comes is not None)
    assert body == (whole[:comes] if end else b"")


def test_a_compressed_body_may_be_cut_or_not_be_compressed(call):
    caller = call()
    for kind in ("cut", "false"):
        caller.simulator.add_fault(path="licenses$", gzip_body=kind)
    with caller.http.stream("GET", caller.path) as cut:
        packed = b"".join(cut.iter_raw())
    assert cut.headers["content-encoding"] == "gzip"
    with pytest.raises(EOFError):
        gzip.decompress(packed)
    with caller.http.stream("GET", caller.path) as plain:
        assert len(json.loads(b"".join(plain.iter_raw()))) == 5
    assert plain.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("status", [301, 303])
def test_an_answer_may_lead_to_another_host(call, status):
    caller = call()
    caller.simulator.add_fault(status=status, redirect_to="foreign_host")
    answer = caller.get()
    assert answer.status_code == status
    assert answer.headers["location"] == f"https://elsewhere.example{caller.path}"


def test_a_login_page_may_come_with_status_200(call):
    caller = call()
    caller.simulator.add_fault(body="login")
    answer = caller.get()
    assert answer.status_code == 200
    assert 'type="password"' in answer.text


def test_an_error_may_say_that_it_is_lasting_and_be_plain_json(call):
    caller = call()
    caller.simulator.add_fault(status=500, temporary=False, content_type="application/json")
    answer = caller.get()
    assert answer.json()["temporary"] is False
    assert answer.headers["content-type"] == "application/json"


def test_a_cursor_may_expire(call):
    caller = call()
    following = caller.consumption(500001, limit=5).json()["nextPage"]
    assert caller.http.post("/simulator/expire-cursors").status_code == 200
    answer = caller.get(following)
    assert answer.status_code == 400
    assert answer.json()["message"] == "skipToken has expired"
    assert len(caller.rows(500001, limit=5)) > 5


@pytest.mark.parametrize("style", ["odd", "raw"])
def test_a_cursor_of_any_style_leads_on(call, style):
    caller = call()
    whole = caller.rows(500001, limit=10)
    caller.simulator.set(cursor=style)
    token = caller.consumption(500001, limit=10).json()["nextPage"].partition("skipToken=")[2]
    assert (unquote(token) == token) == (style == "raw")
    assert caller.rows(500001, limit=10) == whole


def test_empty_pages_lead_on(call):
    caller = call()
    whole = caller.rows(500001, limit=20)
    caller.simulator.set(empty_pages=2)
    sizes = [len(page["values"]) for page in caller.pages(500001, limit=20)]
    assert sizes == [0, 0, 20, 0, 0, 20, 0, 0, len(whole) - 40]


def test_the_last_page_may_lead_to_the_first(call):
    caller = call(next_page="circle")
    second = caller.get(caller.consumption(500001, limit=40).json()["nextPage"]).json()
    first_again = caller.get(second["nextPage"]).json()
    assert first_again["values"] == caller.consumption(500001, limit=40).json()["values"]


def test_a_limit_may_be_ignored(call):
    assert len(call(limit_counts=False, page_size=4).consumption(500001, limit=40).json()["values"]) == 4


def test_a_bad_limit_beside_a_cursor_is_ignored(call):
    caller = call()
    following = caller.consumption(500001, limit=5).json()["nextPage"]
    assert len(caller.get(f"{following}&limit=many").json()["values"]) == 5


def test_a_restricted_account_sees_some_rows_and_the_same_totals(call):
    caller = call()
    whole, licenses = caller.rows(500001, limit=10), caller.licenses()
    caller.simulator.set(visible_percent=50)
    shown = caller.rows(500001, limit=10)
    assert 0 < len(shown) < len(whole)
    assert [row for row in whole if row in shown] == shown
    assert caller.licenses() == licenses


def test_rows_may_move_and_be_missed(call):
    caller = call()
    whole = caller.rows(500001, limit=10)
    caller.simulator.set(missed_rows=3)
    shown = caller.rows(500001, limit=10)
    assert shown == [row for number, row in enumerate(whole) if number < 10 or number % 10 >= 3]


def test_each_walk_may_meet_another_order_but_keeps_its_own(call):
    caller = call(row_order="other_each_walk")
    first, second = caller.rows(500001, limit=10), caller.rows(500001, limit=10)
    assert first != second
    ids = [sorted(row["device"]["id"] for row in rows) for rows in (first, second)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


def test_a_license_may_come_and_totals_may_rise_between_two_looks(call):
    caller = call(late_licenses=2, license_totals="rising")
    first, second = caller.licenses(), caller.licenses()
    assert (len(first), len(second)) == (3, 5)
    assert (
        second[0]["compliance"]["consumedEntitlementCount"]
        == first[0]["compliance"]["consumedEntitlementCount"] + 1
    )


def test_consumption_may_be_a_bare_array(call):
    caller = call()
    whole = caller.rows(500001)
    caller.simulator.set(consumption_shape="array", page_size=3)
    assert caller.consumption(500001).json() == json.loads(json.dumps(whole, default=float))


@pytest.mark.parametrize("form", [form for form in FORMS if form != "tiers_on_rows"])
def test_a_form_changes_rows_or_licenses_and_leaves_json(call, form):
    caller = call()
    before = caller.get().text + caller.consumption(500001).text
    caller.simulator.set(forms=form)
    licenses, page = caller.get(), caller.consumption(500001)
    assert licenses.text + page.text != before
    assert len(licenses.json()) == 5
    assert page.json()["values"]


def test_each_machine_of_a_license_in_tiers_is_put_into_them_by_itself(call):
    caller = call(tenant="demo", date="2026-11-24")
    license_id = next(row["id"] for row in caller.licenses() if row["type"] == "IBM RVU")
    before = caller.rows(license_id)
    caller.simulator.set(forms="tiers_on_rows")
    after = caller.rows(license_id)
    devices = [row["device"] for row in after]
    cores = [min(device["cores"], device.get("cappedCores", device["cores"])) for device in devices]
    assert [row["chargeback"]["consumption"] for row in after] == cores
    assert max(cores) < 100
    assert sum(cores) > sum(row["chargeback"]["consumption"] for row in before)
    assert [row | {"chargeback": None} for row in after] == [row | {"chargeback": None} for row in before]


def test_a_form_may_be_for_one_license(call):
    caller = call(forms="no_charge", formed_license="500002")
    assert "chargeback" not in caller.rows(500002)[0]
    assert "chargeback" in caller.rows(500001)[0]


def test_a_form_that_does_not_exist_is_refused(call):
    with pytest.raises(ValueError, match="no such form: nonsense"):
        call(forms=["nonsense"])


def test_another_integration_sends_ahead_until_it_has_sent_its_own():
    now = [0.0]
    limiter = RateLimiter(lambda: now[0])
    assert [limiter.take("1", 10, 60, other_requests=3) for _ in range(7)] == [8, 6, 4, 3, 2, 1, 0]
    with pytest.raises(ApiError):
        limiter.take("1", 10, 60, other_requests=3)
    assert limiter.other_count == 3
    now[0] = 60.0
    assert limiter.take("1", 10, 60, other_requests=3) == 8


@pytest.mark.parametrize("form", ["absent", "hours", "date"])
def test_a_throttled_answer_may_say_otherwise_when_to_come_back(call, form):
    caller = call(requests_per_minute=1, retry_after=form)
    caller.get()
    advice = caller.get().headers.get("retry-after")
    if form == "absent":
        assert advice is None
    elif form == "hours":
        assert int(advice) > 3600
    else:
        wait = parsedate_to_datetime(advice) - datetime.datetime.now(datetime.UTC)
        assert -5 < wait.total_seconds() <= 60


def test_a_token_may_be_used_up_before_its_told_end(call):
    caller = call(requests_per_token=2, told_lifetime_seconds=3600, token_lifetime_seconds=60)
    caller.sign_in()
    assert [caller.get().status_code for _ in range(3)] == [200, 200, 401]


@pytest.mark.parametrize("path", ["/iam/v1/orgs/12345/access-rules/grant", "/fnms/v1/orgs/12345/licenses"])
def test_a_write_anywhere_is_refused_and_remembered_even_without_a_token(call, path):
    caller = call(requests_per_minute=1)
    answer = httpx.put(f"{caller.simulator.url}{path}", json={})
    assert answer.status_code == 405
    assert caller.simulator.refused_writes() == [{"method": "PUT", "path": path}]


def test_requests_are_counted_by_method(call):
    caller = call()
    caller.get()
    caller.http.delete(caller.path)
    assert caller.simulator.counters()["by_method"] == {"GET": 1, "DELETE": 1}
