"""An address where nothing of Flexera One is: told soon, in words, with the setting to correct."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from scripted_server import Scripted, page, scripted_server

from chargeback.errors import (
    AddressUnreachable,
    ChargebackError,
    ConnectionLost,
    RequestRefused,
    SettingsInvalid,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_world import World

TRIES = 6
SOON = 4
ADVICE = "of connection 'flexera', the network of this machine, and whether it needs a proxy (HTTPS_PROXY)."


def failure(world: World, kind: type[ChargebackError], **changes: object) -> str:
    with pytest.raises(ChargebackError) as caught:
        list(world.client(**changes).license_pages())
    assert type(caught.value) is kind
    return str(caught.value)


@contextmanager
def speaker(words: bytes) -> Iterator[int]:
    """The port of a server that says something other than HTTP to everyone, and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def speak() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(words)

    threading.Thread(target=speak, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_a_port_where_nobody_listens(world: World, closed_port: int) -> None:
    message = failure(world, AddressUnreachable, api_url=f"http://127.0.0.1:{closed_port}")

    assert message == (
        f"license list page 1: 127.0.0.1:{closed_port} cannot be reached (Connection refused). "
        f"Check zone and api_url {ADVICE}"
    )
    assert len(world.clock.sleeps) == SOON - 1
    assert sum(world.clock.sleeps) < 10


@pytest.mark.parametrize("setting", ["api_url", "token_url"])
def test_a_name_that_does_not_resolve(world: World, setting: str) -> None:
    message = failure(world, AddressUnreachable, **{setting: "https://api.flexera.invalid"})

    assert ": api.flexera.invalid:443 cannot be reached (" in message
    assert f"Check zone and {setting} {ADVICE}" in message
    assert len(world.clock.sleeps) == SOON - 1


def test_many_addresses_of_a_name_that_lead_nowhere_do_not_add_up(world: World) -> None:
    """Each attempt takes as long as the connecting to all of them does."""
    take = world.budget.take

    def slowly() -> None:
        take()
        world.clock.now += 41

    world.budget.take = slowly  # type: ignore[method-assign]

    failure(world, AddressUnreachable, api_url="http://127.0.0.1:1")

    assert world.clock.sleeps == []


def test_a_server_that_has_answered_before_is_waited_for(world: World, closed_port: int) -> None:
    world.budget.note_answer()

    message = failure(world, ConnectionLost, api_url=f"http://127.0.0.1:{closed_port}")

    assert f"127.0.0.1:{closed_port} cannot be reached" in message
    assert len(world.clock.sleeps) == TRIES - 1


def test_a_server_that_goes_away_between_two_pages_is_waited_for(world: World) -> None:
    with scripted_server() as other:
        other.script(page([], "/x?skipToken=a"))
        pages = world.client(api_url=other.url).license_pages()
        next(pages)
    world.session.close()

    with pytest.raises(ConnectionLost, match="cannot be reached"):
        next(pages)

    assert world.budget.is_known
    assert len(world.clock.sleeps) == TRIES - 1


def test_a_server_without_tls(world: World) -> None:
    address = world.server.url.replace("http://", "https://")
    place = address.removeprefix("https://")

    message = failure(world, AddressUnreachable, api_url=address)

    assert (
        message == f"license list page 1: {place} does not speak TLS (https). Check zone and api_url {ADVICE}"
    )


def test_a_server_that_does_not_speak_http(world: World) -> None:
    with speaker(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        message = failure(world, ConnectionLost, api_url=f"http://127.0.0.1:{port}")

    assert message == "license list page 1: no whole answer: the answer is not HTTP. Try later."


def test_a_proxy_that_is_not_there_is_named(world: World, closed_port: int) -> None:
    world.session.proxies = {"http": f"http://user:hush@127.0.0.1:{closed_port}"}
    world.session.trust_env = False

    message = failure(world, AddressUnreachable, token_url="http://login.local/oidc/token")

    assert message.startswith(
        f"access token: the proxy 127.0.0.1:{closed_port} cannot be reached (Connection refused)"
    )
    assert "hush" not in message


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (
            407,
            SettingsInvalid,
            "the proxy refuses the connection (407). Check extra proxies of connection 'flexera'",
        ),
        (403, SettingsInvalid, "the proxy refuses the connection (403)."),
        (502, AddressUnreachable, "api.flexera.invalid:443 cannot be reached through the proxy (502)."),
    ],
)
def test_a_proxy_that_does_not_connect_us(
    world: World, status: int, kind: type[ChargebackError], words: str
) -> None:
    with speaker(f"HTTP/1.1 {status} No\r\n\r\n".encode()) as port:
        world.session.proxies = {"https": f"http://127.0.0.1:{port}"}
        message = failure(world, kind, api_url="https://api.flexera.invalid")

    assert words in message


def test_a_name_that_is_no_host_name(world: World) -> None:
    message = failure(world, SettingsInvalid, api_url="https://api..flexera.invalid")

    assert (
        "api_url is no address that can be asked. Correct extra api_url of connection 'flexera'." in message
    )
    assert world.clock.sleeps == []


@pytest.mark.parametrize("setting", ["api_url", "token_url"])
def test_a_page_for_people_where_nothing_else_ever_came(world: World, setting: str) -> None:
    portal = Scripted(200, b"<html><title>Our portal</title></html>", {"content-type": "text/html"})
    script = world.server.answers if setting == "api_url" else world.server.token_answers
    script.extend([portal] * SOON)

    message = failure(world, RequestRefused)

    assert '200 with a web page ("Our portal") instead of data' in message
    assert f"Check zone and {setting} of connection 'flexera'" in message
