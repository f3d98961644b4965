"""The token endpoint and what a token opens."""

from __future__ import annotations

import pytest

ENVELOPE = {"name", "id", "message", "timeout", "temporary", "fault"}
CLIENT = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "demo-refresh-token"}


@pytest.mark.parametrize("kind", ["data", "json"])
@pytest.mark.parametrize("fields", [CLIENT, REFRESH], ids=["client_credentials", "refresh_token"])
def test_both_grants_give_a_token_that_works_from_a_form_and_from_json(caller, fields, kind):
    answer = caller.http.post("/oidc/token", **{kind: fields}).json()
    assert answer["expires_in"] == 3600
    assert answer["token_type"] == "Bearer"
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    assert caller.http.get(caller.path, headers=bearer).status_code == 200


def test_a_refresh_token_is_echoed_and_a_service_account_gets_none(caller):
    assert caller.http.post("/oidc/token", data=REFRESH).json()["refresh_token"] == "demo-refresh-token"
    assert "refresh_token" not in caller.http.post("/oidc/token", data=CLIENT).json()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (CLIENT | {"client_secret": "wrong"}, 401),
        (CLIENT | {"client_id": "wrong"}, 401),
        (REFRESH | {"refresh_token": "wrong"}, 401),
        ({"grant_type": "refresh_token"}, 401),
        ({"grant_type": "password"}, 400),
        ({}, 400),
    ],
)
def test_a_wrong_secret_is_401_and_a_wrong_grant_is_400(caller, fields, status):
    answer = caller.http.post("/oidc/token", data=fields)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/vnd.goa.error"
    assert set(answer.json()) == ENVELOPE


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer unknown", "Basic abc"])
def test_a_call_without_a_good_token_is_refused(caller, header):
    headers = {"authorization": header} if header else {"authorization": ""}
    answer = caller.http.get(caller.path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["name"] == "unauthorized"
    assert answer.json()["temporary"] is False


def test_an_expired_token_is_refused(call):
    caller = call(token_lifetime_seconds=0)
    answer = caller.get()
    assert answer.status_code == 401
    assert "expired" in answer.json()["message"]


def test_a_page_can_be_fetched_with_a_new_token_after_the_old_one_was_revoked(call):
    caller = call()
    following = caller.consumption(500001, limit=10).json()["nextPage"]
    caller.simulator.revoke_tokens()
    assert caller.get(following).status_code == 401
    caller.sign_in()
    assert len(caller.get(following).json()["values"]) == 10


def test_the_lifetime_can_be_sent_as_text(call):
    caller = call(expires_in="text", token_lifetime_seconds=90)
    assert caller.http.post("/oidc/token", data=CLIENT).json()["expires_in"] == "90"


def test_another_organization_is_forbidden(caller):
    answer = caller.get("/fnms/v1/orgs/999/licenses")
    assert answer.status_code == 403
    assert answer.json()["name"] == "forbidden"
