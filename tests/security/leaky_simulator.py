"""The simulator behind a gateway that repeats credentials in its answers and remembers every request.

A fault's texts may hold the words that `Gateway.words` names. The gateway puts in their place what the request
held that it answers.
"""

from __future__ import annotations

import base64
import html
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import uvicorn

from flexera_simulator.server import application, bound_socket
from flexera_simulator.settings import Settings, changed
from flexera_simulator.simulator import Simulator
from flexera_simulator.testing import RunningSimulator
from flexera_simulator.wire import OpenConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN_PATH = "/oidc/token"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Gateway:
    """Stands before the simulator's application."""

    app: Any
    settings: Settings
    requests: list[Seen] = field(default_factory=list)
    struck_words: set[str] = field(default_factory=set)
    secret: str = ""

    def tokens(self) -> set[str]:
        """Every access token that came with a request."""
        return {seen.token for seen in self.requests} - {""}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        seen, receive = await _read(scope, receive)
        self.requests.append(seen)
        words = self.words(seen)
        head: dict[str, Any] = {}

        async def repeat(message: Any) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                return
            is_json = b"html" not in dict(head["headers"]).get(b"content-type", b"")
            body = self._replaced(message.get("body", b""), words, is_json=is_json)
            headers = [
                (name, self._replaced(value, words, is_json=False))
                for name, value in head["headers"]
                if name != b"content-length"
            ]
            await send({**head, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({**message, "body": body})

        await self.app(scope, receive, repeat)

    def words(self, seen: Seen) -> dict[str, str]:
        """What stands for a word of a fault: what the request held, and the secret its token was given for."""
        form = parse_qs(seen.body.decode())
        [self.secret] = form.get("client_secret") or form.get("refresh_token") or [self.secret]
        return {
            "{token}": seen.token,
            "{authorization}": seen.headers.get("authorization", ""),
            "{form}": seen.body.decode(),
            "{secret}": self.secret,
            "{secret in a form}": quote(self.secret, safe=""),
            "{secret in JSON}": json.dumps(self.secret)[1:-1],
            "{secret in HTML}": html.escape(self.secret),
            "{basic}": _basic(self.settings.client_id, self.secret),
        }

    def _replaced(self, text: bytes, words: dict[str, str], *, is_json: bool) -> bytes:
        for word, value in words.items():
            if word.encode() in text:
                self.struck_words.add(word)
                text = text.replace(word.encode(), (json.dumps(value)[1:-1] if is_json else value).encode())
        return text


def _basic(login: str, password: str) -> str:
    """What HTTP's Basic scheme sends."""
    return base64.b64encode(f"{login}:{password}".encode()).decode()


async def _read(scope: Any, receive: Any) -> tuple[Seen, Any]:
    """The whole request, and a way for the application to read it again."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Any:
        return unread.pop() if unread else await receive()

    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    path = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
    return Seen(scope["method"], path, headers, body), again


class LeakySimulator(RunningSimulator):
    """A simulator, and the gateway before it."""

    def __init__(self, simulator: Simulator, url: str, gateway: Gateway) -> None:
        super().__init__(simulator, url)
        self.gateway = gateway

    def other_than_get(self) -> list[str]:
        """Requests that are neither a GET nor the one for a token."""
        return [
            f"{seen.method} {seen.path}"
            for seen in self.gateway.requests
            if seen.method != "GET" and (seen.method, seen.path) != ("POST", TOKEN_PATH)
        ]


@contextmanager
def leaky_simulator(certificate: Path | None = None, **settings: Any) -> Iterator[LeakySimulator]:
    """Run it on a free port, with TLS where there is a certificate (its key in the same file)."""
    simulator = Simulator(changed(Settings(), {"gzip": False, "requests_per_minute": 0, **settings}))
    gateway = Gateway(application(simulator), simulator.settings)
    listener = bound_socket("127.0.0.1", 0)
    config = uvicorn.Config(
        gateway,
        http=OpenConnection,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the simulator did not start"
            time.sleep(0.005)
        scheme = "https" if certificate else "http"
        yield LeakySimulator(simulator, f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", gateway)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
