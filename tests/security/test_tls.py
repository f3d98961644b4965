"""The server's certificate is always checked, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority
from leaky_simulator import LeakySimulator, leaky_simulator

from chargeback.hooks import FlexeraHook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "127.0.0.1"
Connect = Callable[..., tuple[bool, str]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[LeakySimulator]:
    """A Flexera One whose certificate is in order, as far as one trusts its issuer."""
    with leaky_simulator(authority.issue("in-order", HERE)) as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Press the button of the connection's form: get a token, read a page."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    def press(running: LeakySimulator, **extra: Any) -> tuple[bool, str]:
        running.gateway.requests.clear()
        connection = running.connection()
        fields = {**connection, "extra": {**connection["extra"], **extra}}
        monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(fields))
        return FlexeraHook().test_connection()

    return press


def test_an_unknown_issuer_is_refused_with_what_to_do(server: LeakySimulator, connect: Connect) -> None:
    is_good, message = connect(server)

    assert not is_good
    assert message.startswith("access token: the server's certificate is not trusted (")
    assert "set extra verify of connection 'flexera' to the path of a bundle" in message
    assert server.gateway.requests == []


def test_a_bundle_with_the_issuer_is_enough(
    server: LeakySimulator, authority: Authority, connect: Connect
) -> None:
    is_good, message = connect(server, verify=str(authority.bundle))

    assert is_good, message
    assert [seen.method for seen in server.gateway.requests] == ["POST", "GET"]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundle_of_the_environment_is_used(
    variable: str,
    server: LeakySimulator,
    authority: Authority,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, str(authority.bundle))

    is_good, message = connect(server)

    assert is_good, message


def test_the_bundle_of_the_connection_goes_before_that_of_the_environment(
    server: LeakySimulator,
    authority: Authority,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    other = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.bundle))
    assert connect(server)[0] is False

    assert connect(server, verify=str(authority.bundle))[0] is True


def test_another_issuers_bundle_is_not_enough(
    server: LeakySimulator, connect: Connect, tmp_path: Path
) -> None:
    is_good, message = connect(server, verify=str(Authority(tmp_path).bundle))

    assert not is_good
    assert "certificate is not trusted" in message
    assert server.gateway.requests == []


@pytest.mark.parametrize(
    ("name", "address", "valid_for", "reason"),
    [
        pytest.param("expired", HERE, timedelta(days=-1), "certificate has expired", id="expired"),
        pytest.param("elsewhere", "127.0.0.2", timedelta(days=1), "IP address mismatch", id="another host's"),
    ],
)
def test_a_certificate_that_is_not_in_order_is_refused(
    name: str, address: str, valid_for: timedelta, reason: str, authority: Authority, connect: Connect
) -> None:
    with leaky_simulator(authority.issue(name, address, valid_for)) as running:
        is_good, message = connect(running, verify=str(authority.bundle))

        assert not is_good
        assert f"the server's certificate is not trusted ({reason}" in message
        assert "Check api_url and token_url of connection 'flexera'" in message
        assert running.gateway.requests == []


def test_the_api_is_checked_as_its_login_service_is(
    server: LeakySimulator, authority: Authority, connect: Connect
) -> None:
    with leaky_simulator(authority.issue("api-elsewhere", "127.0.0.2")) as api:
        is_good, message = connect(server, verify=str(authority.bundle), api_url=api.url)

        assert not is_good
        assert "license list page 1: the server's certificate is not trusted" in message
        assert api.gateway.requests == []


@pytest.mark.parametrize("off", [False, "false", "False", 0, "0", "no"])
def test_the_check_cannot_be_turned_off(off: object, server: LeakySimulator, connect: Connect) -> None:
    is_good, message = connect(server, verify=off)

    assert not is_good
    assert "extra verify" in message
    assert "\n" not in message
    assert server.gateway.requests == []


def test_a_bundle_that_is_missing_is_told_in_one_line(
    server: LeakySimulator, connect: Connect, tmp_path: Path
) -> None:
    is_good, message = connect(server, verify=str(tmp_path / "missing.pem"))

    assert not is_good
    assert f"extra verify is '{tmp_path / 'missing.pem'}', which does not exist" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "content", [None, "no certificate", ""], ids=["missing", "of something else", "empty"]
)
def test_a_bundle_of_the_environment_that_cannot_be_used_is_told_in_one_line(
    content: str | None,
    server: LeakySimulator,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    is_good, message = connect(server)

    assert not is_good
    assert message.startswith("access token: the bundle of trusted certificates")
    assert "REQUESTS_CA_BUNDLE" in message
    assert "\n" not in message
    assert server.gateway.requests == []


def test_an_empty_bundle_of_the_connection_is_told_in_one_line(
    server: LeakySimulator, connect: Connect, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")

    is_good, message = connect(server, verify=str(bundle))

    assert not is_good
    assert "the bundle of trusted certificates cannot be read. Set extra verify" in message


def test_what_is_not_encrypted_is_refused_beyond_this_network(
    server: LeakySimulator, connect: Connect
) -> None:
    is_good, message = connect(
        server, api_url="http://api.flexera.com", token_url="http://login.flexera.com/x"
    )

    assert not is_good
    assert "extra api_url must start with https://" in message
    assert "extra token_url must start with https://" in message
