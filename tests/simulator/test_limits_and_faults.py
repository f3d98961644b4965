"""Request limits, refused writes, ordered faults, the admin endpoints."""

from __future__ import annotations

import json

import httpx
import pytest

CONSUMPTION = "/consumption"


def test_good_answers_count_down_and_the_next_one_is_throttled(call):
    caller = call(requests_per_minute=3)
    remaining = [caller.get().headers["x-ratelimit-remaining"] for _ in range(3)]
    refused = caller.get()
    assert remaining == ["2", "1", "0"]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["name"] == "too_many_requests"
    assert refused.json()["temporary"] is True
    assert refused.json()["fault"] is False


def test_each_organization_has_a_window_of_its_own(call):
    caller = call(requests_per_minute=1, org=["12345", "67890"])
    assert caller.get().status_code == 200
    assert caller.get("/fnms/v1/orgs/67890/licenses").status_code == 200
    assert caller.get().status_code == 429


def test_a_new_window_opens_when_the_old_one_is_over():
    from flexera_simulator.envelope import ApiError
    from flexera_simulator.rate_limit import RateLimiter

    now = [100.0]
    limiter = RateLimiter(lambda: now[0])
    assert limiter.take("1", 1, 60) == 0
    now[0] = 159.5
    with pytest.raises(ApiError) as refused:
        limiter.take("1", 1, 60)
    assert refused.value.headers == {"retry-after": "1"}
    now[0] = 160.0
    assert limiter.take("1", 1, 60) == 0
    assert limiter.max_accepted_in_window == 1


def test_without_a_limit_nothing_is_counted_down(call):
    assert "x-ratelimit-remaining" not in call().get().headers


def test_token_requests_are_not_counted(call):
    caller = call(requests_per_minute=1)
    for _ in range(3):
        caller.sign_in()
    assert caller.get().status_code == 200
    assert caller.simulator.api_request_count() == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["", "/500001/consumption", "/500001/allocation", "/500001/deallocation"])
def test_writes_are_refused_and_remembered(call, method, path):
    caller = call()
    answer = caller.http.request(method, caller.path + path)
    assert answer.status_code == 405
    assert caller.simulator.refused_writes() == [{"method": method, "path": caller.path + path}]


def test_a_fault_strikes_as_often_as_ordered(call):
    caller = call()
    fault = caller.simulator.add_fault(path=CONSUMPTION, status=503, times=2)
    assert [caller.consumption(500001).status_code for _ in range(3)] == [503, 503, 200]
    assert fault.struck_count == 2


def test_a_fault_may_be_for_one_license_and_one_page(call):
    caller = call()
    caller.simulator.add_fault(license="500001", page=2, status=500, times=None)
    first = caller.consumption(500001, limit=10)
    assert first.status_code == 200
    assert caller.get(first.json()["nextPage"]).status_code == 500
    assert len(caller.rows(500002, limit=10)) > 10


def test_a_fault_may_come_later(call):
    caller = call()
    caller.simulator.add_fault(status=500, after=2)
    assert [caller.get().status_code for _ in range(4)] == [200, 200, 500, 200]


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("envelope", "application/vnd.goa.error"), ("html", "text/html"), ("empty", "")],
)
def test_a_fault_may_have_any_kind_of_body(call, kind, content_type):
    caller = call()
    caller.simulator.add_fault(status=502, body=kind, headers={"retry-after": "7"})
    answer = caller.get()
    assert answer.status_code == 502
    assert answer.headers.get("content-type", "").startswith(content_type)
    assert answer.headers["retry-after"] == "7"


def test_a_maintenance_page_may_come_with_status_200(call):
    caller = call()
    caller.simulator.add_fault(body="html")
    answer = caller.get()
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_body_may_break_off_before_its_promised_length(call):
    caller = call()
    caller.simulator.add_fault(path=CONSUMPTION, cut_body_after=50)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.consumption(500001)
    assert caller.consumption(500001).status_code == 200


def test_json_may_be_truncated(call):
    caller = call()
    caller.simulator.add_fault(truncate_json=True)
    answer = caller.get()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_body_may_be_replaced(call):
    caller = call()
    caller.simulator.add_fault(replace_body='{"values":[]}')
    assert caller.get().json() == {"values": []}


def test_a_license_may_vanish_between_two_pages(call):
    caller = call()
    caller.simulator.add_fault(license=500001, page=2, not_found=True)
    following = caller.consumption(500001, limit=10).json()["nextPage"]
    assert caller.get(following).status_code == 404


def test_tokens_may_die_early(call):
    caller = call()
    caller.simulator.add_fault(revoke_tokens=True)
    assert caller.get().status_code == 200
    assert caller.get().status_code == 401


def test_the_token_endpoint_may_fail_once(call):
    caller = call()
    caller.simulator.add_fault(path="/oidc/token", status=502)
    fields = {"grant_type": "refresh_token", "refresh_token": "demo-refresh-token"}
    assert [caller.http.post("/oidc/token", data=fields).status_code for _ in range(2)] == [502, 200]


def test_an_answer_may_be_slower_than_a_caller_waits(call):
    caller = call()
    caller.simulator.add_fault(delay_seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        caller.http.get(caller.path, timeout=0.1)
    while not caller.http.get("/simulator/requests").json()["api_requests"]:
        pass  # the answer nobody waits for must not be counted in the next test


def test_a_fault_rule_with_a_typo_is_refused(call):
    with pytest.raises(ValueError, match="no such fault setting: licence"):
        call().simulator.add_fault(licence="1", status=500)


def test_everything_can_be_steered_over_http(call):
    caller = call(org=["12345", "67890"])
    http = caller.http
    assert http.get("/simulator/health").json() == {"status": "ok", "tenant": "load", "date": "2026-11-24"}
    assert http.put("/simulator/date", json={"date": "2026-12-01"}).json() == {"date": "2026-12-01"}
    assert http.put("/simulator/settings", json={"page_size": 3}).json()["page_size"] == 3
    assert len(caller.consumption(500001).json()["values"]) == 3
    http.post("/simulator/faults", json={"status": 500, "path": "licenses$"})
    assert len(http.get("/simulator/faults").json()) == 1
    assert caller.get().status_code == 500
    assert http.delete("/simulator/faults").json() == []
    counted = http.get("/simulator/requests").json()
    assert counted["api_requests"] == 2
    assert counted["by_status"] == {"200": 1, "500": 1}
    totals = http.get("/simulator/totals", params={"date": "2026-11-24", "org": "67890"}).json()
    assert totals == caller.simulator.totals("2026-11-24", "67890")
    assert http.post("/simulator/reset").json()["date"] == "2026-11-24"
    assert http.get("/simulator/requests").json()["api_requests"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("date", '{"date": "tomorrow"}'),
        ("settings", '{"no_such": 1}'),
        ("settings", '{"page_size": 0}'),
        ("settings", '{"tenant": "other"}'),
        ("settings", "[]"),
        ("settings", "not json"),
    ],
)
def test_a_wrong_admin_request_is_explained(call, path, body):
    answer = call().http.put(f"/simulator/{path}", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_secrets_are_not_shown(call):
    assert "demo-secret" not in call().http.get("/simulator/settings").text
