"""The connection to Flexera One: its defaults, and every way to get it wrong."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from chargeback.errors import SettingsInvalid
from chargeback.settings import FlexeraSettings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hush-hush"


def settings(login: str | None = "client", password: str | None = SECRET, **extra: Any) -> FlexeraSettings:
    return FlexeraSettings.from_connection(login, password, {"org_id": "12345", **extra})


@pytest.mark.parametrize(("zone", "domain"), [("us", "com"), ("eu", "eu"), ("au", "au"), ("EU", "eu")])
def test_the_zone_picks_both_hosts(zone: str, domain: str) -> None:
    made = settings(zone=zone)

    assert made.api_url == f"https://api.flexera.{domain}"
    assert made.token_url == f"https://login.flexera.{domain}/oidc/token"


def test_everything_but_the_organization_has_a_default() -> None:
    made = settings()

    assert (made.zone, made.grant_type, made.requests_per_minute) == ("us", "client_credentials", 50)
    assert (made.page_size, made.timeout_seconds, made.verify) == (None, 60.0, True)


def test_empty_fields_of_the_form_stand_for_their_defaults() -> None:
    numbers = ("requests_per_minute", "page_size", "timeout", "max_answer_mb", "max_pages")
    empty = dict.fromkeys(("zone", "grant_type", "api_url", "token_url", "verify", *numbers))

    assert settings(**empty) == settings(**dict.fromkeys(empty, "")) == settings()


def test_numbers_may_be_text_and_ids_numbers() -> None:
    made = settings(org_id=12345, requests_per_minute="30", page_size=" 200 ", timeout="2.5")

    assert (made.org_id, made.requests_per_minute, made.page_size) == ("12345", 30, 200)
    assert made.timeout_seconds == 2.5


def test_every_bad_setting_is_told_at_once_with_where_to_set_it() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        FlexeraSettings.from_connection(
            None,
            SECRET,
            {
                "zone": "mars",
                "grant_type": "password",
                "requests_per_minute": "many",
                "page_size": 0,
                "max_pages": 0,
            }
            | {"timeout": -1, "max_answer_mb": "much", "orgid": "12345", "verify": False},
        )

    message = str(caught.value)
    assert message.startswith("Connection 'flexera': ")
    assert "AIRFLOW_CONN_FLEXERA" in message
    for words in (
        "login (the client id) is missing",
        "org_id is missing",
        "zone is 'mars', not one of us, eu, au",
        "grant_type is 'password', not one of client_credentials, refresh_token",
        "requests_per_minute is 'many', not a whole number",
        "page_size is less than 1",
        "max_pages is less than 1",
        "max_answer_mb is 'much', not a whole number",
        "timeout is not more than 0",
        "orgid is unknown",
        "verify cannot be turned off",
    ):
        assert words in message


def test_a_refresh_token_needs_no_client_id() -> None:
    made = settings(login=None, grant_type="refresh_token")

    assert made.token_form() == {"grant_type": "refresh_token", "refresh_token": SECRET}


def test_a_missing_secret_is_told_by_its_name() -> None:
    with pytest.raises(SettingsInvalid, match=r"password \(the refresh token\) is missing"):
        settings(password=None, grant_type="refresh_token")


def test_the_secret_shows_in_no_text_of_the_settings() -> None:
    assert SECRET not in f"{settings()} {settings()!r}"
    with pytest.raises(SettingsInvalid) as caught:
        settings(zone="mars", api_url=f"https://user:{SECRET}@api.flexera.com")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8085",
        "http://localhost:8085/",
        "http://[::1]:8085",
        "http://simulator:8085",
        "http://10.0.0.7",
        "https://gateway.example.com",
    ],
)
def test_a_simulator_nearby_may_be_named(address: str) -> None:
    assert settings(api_url=address).api_url == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "http://api.flexera.com",
        "http://8.8.8.8",
        "ftp://api.flexera.com",
        "api.flexera.com",
        "https://",
        "https://user:x@api.flexera.com",
        "https://api.flexera.com/fnms",
        "https://api.flexera.com?x=1",
        "https://api.flexera.com:port",
        "https://[broken",
    ],
)
def test_an_address_that_leaks_or_leads_nowhere_is_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match="api_url"):
        settings(api_url=address)


def test_a_token_address_has_a_path() -> None:
    assert settings(token_url="https://login.example.com/oidc/token").token_url.endswith("/oidc/token")
    with pytest.raises(SettingsInvalid, match=r"token_url must start with https://"):
        settings(token_url="http://login.example.com/oidc/token")


@pytest.mark.parametrize("verify", [False, "false", "False", 0, 1, "/no/such/bundle.pem"])
def test_certificates_are_always_checked(verify: object) -> None:
    with pytest.raises(SettingsInvalid, match="verify"):
        settings(verify=verify)


def test_a_bundle_of_certificates_may_be_named(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()

    assert settings(verify=str(bundle)).verify == str(bundle)
    assert settings(verify=True).verify is True


def test_the_options_of_the_http_provider_are_left_to_it() -> None:
    assert settings(proxies={"https": "http://proxy.example.com:3128"}, trust_env=False) == settings()


def test_a_budget_belongs_to_one_organization_on_one_api() -> None:
    ids = {settings(org_id=org, zone=zone).budget_id for org in ("1", "2") for zone in ("us", "eu")}

    assert ids == {"api.flexera.com/1", "api.flexera.com/2", "api.flexera.eu/1", "api.flexera.eu/2"}


def test_settings_do_not_change_and_travel() -> None:
    with pytest.raises(AttributeError):
        settings().org_id = "2"  # type: ignore[misc]

    assert pickle.loads(pickle.dumps(settings())) == settings()  # noqa: S301 - our own bytes
