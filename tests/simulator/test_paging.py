"""Following nextPage through a license."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest


@pytest.mark.parametrize("limit", [1, 7, 500, 10_000])
def test_a_walk_returns_each_row_once_whatever_the_page_size(caller, limit):
    license_id = 41217
    whole = caller.rows(license_id)
    assert len({row["user"]["id"] for row in whole}) == len(whole) > 50
    assert caller.rows(license_id, limit=limit) == whole


def test_next_page_is_host_relative_and_absent_at_the_end(caller):
    pages = list(caller.pages(41226))
    assert len(pages) > 1
    assert all(page["nextPage"].startswith("/fnms/v1/orgs/12345/") for page in pages[:-1])
    assert set(pages[-1]) == {"values"}


def test_a_cursor_needs_url_encoding(caller):
    following = caller.consumption(41226).json()["nextPage"]
    token = unquote(following.partition("skipToken=")[2])
    assert {"+", "/", "="} <= set(token)
    raw = f"{caller.path}/41226/consumption?skipToken={token}"
    assert caller.get(raw).status_code == 400


def test_a_cursor_keeps_its_page_size_and_ignores_a_new_limit(caller):
    following = caller.consumption(41226, limit=20).json()["nextPage"]
    assert len(caller.get(following + "&limit=3").json()["values"]) == 20


@pytest.mark.parametrize("token", ["", "abc", "AAAA+/00==", "%%%"])
def test_a_made_up_cursor_is_refused(caller, token):
    answer = caller.consumption(41226, skipToken=token)
    assert answer.status_code == 400
    assert answer.json()["name"] == "bad_request"


def test_a_cursor_of_another_license_is_refused(caller):
    following = caller.consumption(41226).json()["nextPage"]
    assert caller.get(following.replace("/41226/", "/41225/")).status_code == 400


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "many"])
def test_a_limit_out_of_range_is_refused(caller, limit):
    assert caller.consumption(41226, limit=limit).status_code == 400


def test_an_unknown_license_is_not_found(caller):
    answer = caller.consumption(99999999)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/vnd.goa.error"


def test_the_default_page_size_is_a_setting(call):
    assert len(call(page_size=9).consumption(500001).json()["values"]) == 9


def test_licenses_are_an_array_or_an_envelope_with_pages(call):
    caller = call(licenses=5)
    whole = caller.licenses()
    caller.simulator.set(licenses_shape="envelope", licenses_page_size=2)
    first = caller.get().json()
    second = caller.get(first["nextPage"]).json()
    third = caller.get(second["nextPage"]).json()
    assert [item["id"] for page in (first, second, third) for item in page["values"]] == [
        w["id"] for w in whole
    ]
    assert "nextPage" not in third


def test_the_end_may_be_null_or_empty(call):
    caller = call(licenses=1, rows=3)
    caller.simulator.set(last_page="null")
    assert caller.consumption(500001).json()["nextPage"] is None
    caller.simulator.set(last_page="empty")
    assert caller.consumption(500001).json()["nextPage"] == ""


@pytest.mark.parametrize(
    ("style", "start"), [("absolute", "http://127.0.0.1"), ("foreign_host", "https://elsewhere.example/fnms")]
)
def test_next_page_may_be_absolute(call, style, start):
    caller = call(next_page=style)
    assert caller.consumption(500001, limit=5).json()["nextPage"].startswith(start)


def test_next_page_may_lead_in_a_circle(call):
    caller = call(next_page="same_page")
    following = caller.consumption(500001, limit=5).json()["nextPage"]
    assert caller.get(following).json()["nextPage"] == following


def test_rows_may_be_served_again_on_the_next_page(call):
    caller = call(repeated_rows=2)
    first, second = list(caller.pages(500001, limit=30))[:2]
    assert second["values"][:2] == first["values"][-2:]
    assert caller.simulator.totals()["row_count"] == 100


def test_a_body_is_compressed_for_callers_that_accept_it(caller):
    packed = caller.consumption(41226)
    plain = caller.http.get(packed.request.url, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert json.loads(plain.content)
