"""No error of the client tells a secret, nor does anything that led to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from bad_nights import CLIENT_ID, CLIENT_SECRET, ECHO, LONG_TEXT, REFRESH_TOKEN, URL_PASSWORD
from error_texts import told_by
from leaky_simulator import TOKEN_PATH, LeakySimulator, leaky_simulator
from needles import Needles
from no_budget import NoBudget

from chargeback import hooks
from chargeback.errors import ChargebackError, SettingsInvalid
from chargeback.flexera import FlexeraClient
from local_runtime.connections import WAREHOUSE, warehouse_parameters
from local_runtime.postgres import free_port
from local_runtime.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVELOPE = json.dumps({"name": "{token}", "id": "{secret}", "message": ECHO, "temporary": True})
# What the server answers, be it to a request for a token or for a page.
ANSWERS: dict[str, dict[str, Any]] = {
    "400": {"status": 400, "message": f"{ECHO} {{form}}"},
    "401": {"status": 401, "message": f"{ECHO} {{form}}"},
    "403": {"status": 403, "message": f"{ECHO} {{form}}"},
    "404": {"status": 404, "message": f"{ECHO} {{form}}"},
    "500": {"status": 500, "message": f"{ECHO} {{form}}"},
    "a secret at the end of what is shown": {"status": 403, "message": f"{LONG_TEXT}... {{secret}}"},
    "a token at the end of what is shown": {"status": 403, "message": f"{LONG_TEXT}{{authorization}}"},
    "a form at the end of what is shown": {"status": 403, "message": f"{LONG_TEXT}{{form}}"},
    "secrets in every member": {"status": 503, "replace_body": ENVELOPE},
    "200 with an error in it": {"replace_body": ENVELOPE},
    "200 that is no JSON": {"replace_body": f"<p>{ECHO}</p>", "content_type": "text/html"},
    "200 of another form": {"replace_body": json.dumps(ECHO)},
    "a redirect": {"redirect_to": "http://someone:{secret in a form}@127.0.0.1:9/?token={token}&to="},
    "a connection reset": {"reset_after": 5},
}
ADDRESSES = {
    "/": "postgres://someone:Ux3mBg6OaCw1/Lq8Se5Ti9@db.example.com/warehouse",
    "#": "postgres://someone:Ux3mBg6OaCw1#Lq8Se5Ti9@db.example.com/warehouse",
    "?": "postgres://someone:Ux3mBg6OaCw1?Lq8Se5Ti9@db.example.com/warehouse",
    "@ and /": "postgres://someone:Ux3mBg6OaCw1@Lq8Se5Ti9/x@db.example.com/warehouse",
}


@dataclass
class Account:
    """A simulator, and how to read from it with a connection as a task finds it."""

    simulator: LeakySimulator
    define: Callable[[str, str], None]

    def error(self, kind: type[ChargebackError] = ChargebackError, **changes: Any) -> ChargebackError:
        """The error of reading a license."""
        connection = self.simulator.connection()
        extra = {**connection["extra"], **changes.pop("extra", {})}
        self.define("AIRFLOW_CONN_FLEXERA", json.dumps({**connection, **changes, "extra": extra}))
        with pytest.raises(kind) as caught:
            list(self._client().consumption_pages("41201"))
        return caught.value

    def needles(self) -> Needles:
        tokens = [token.split(".", 1)[1] for token in self.simulator.gateway.tokens()]
        return Needles(
            {
                "client secret": CLIENT_SECRET,
                "refresh token": REFRESH_TOKEN,
                "password": URL_PASSWORD,
                **{f"access token {number}": token for number, token in enumerate(tokens)},
            }
        )

    @staticmethod
    def _client() -> FlexeraClient:
        hook = hooks.FlexeraHook()
        return FlexeraClient.over(hook.get_conn(), hook.settings(), NoBudget(), sleep=lambda _: None)


@pytest.fixture(scope="module")
def leaky() -> Iterator[LeakySimulator]:
    with leaky_simulator(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, refresh_token=REFRESH_TOKEN
    ) as simulator:
        yield simulator


@pytest.fixture
def account(leaky: LeakySimulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    leaky.clear_faults()
    return Account(leaky, monkeypatch.setenv)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_page_that_is_refused(answer: str, account: Account) -> None:
    fault = account.simulator.add_fault(license="41201", times=None, **ANSWERS[answer])

    error = account.error()

    assert fault.struck_count
    assert account.needles().in_(told_by(error)) == []


@pytest.mark.parametrize("grant_type", ["client_credentials", "refresh_token"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_login_that_is_refused(answer: str, grant_type: str, account: Account) -> None:
    fault = account.simulator.add_fault(path=TOKEN_PATH, times=None, **ANSWERS[answer])
    secret = REFRESH_TOKEN if grant_type == "refresh_token" else CLIENT_SECRET

    error = account.error(password=secret, extra={"grant_type": grant_type})

    assert fault.struck_count
    assert account.needles().in_(told_by(error)) == []


def test_a_proxy_that_is_not_there(account: Account) -> None:
    proxy = f"http://someone:{URL_PASSWORD}@127.0.0.1:{free_port()}"

    error = account.error(extra={"proxies": {"http": proxy}})

    assert account.needles().in_(told_by(error)) == []


@pytest.mark.parametrize("setting", ["api_url", "token_url"])
@pytest.mark.parametrize(
    "address", ["https://someone:{}@api.example.com", "https://someone:{}#@api.example.com"]
)
def test_an_address_that_holds_a_password(setting: str, address: str, account: Account) -> None:
    error = account.error(SettingsInvalid, extra={setting: address.format(URL_PASSWORD)})

    assert setting in str(error)
    assert account.needles().in_(told_by(error)) == []


@pytest.mark.parametrize("character", ADDRESSES)
def test_a_password_that_is_not_escaped_is_not_taken_for_a_host(
    character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAREHOUSE, ADDRESSES[character])

    with pytest.raises(SettingsInvalid, match="escape") as told_by_task:
        hooks.database()
    with pytest.raises(Problem, match="neither JSON nor an address") as told_by_command:
        warehouse_parameters({WAREHOUSE: ADDRESSES[character]})

    for piece in (b"Ux3mBg6OaCw1", b"Lq8Se5Ti9"):
        assert piece not in told_by(told_by_task.value)
        assert piece not in str(told_by_command.value).encode()
