"""A small HTTP server whose every answer is written by the test."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN_PATH = "/oidc/token"


@dataclass
class Scripted:
    """One answer; `promised_bytes` lies about the length of the body, and after `stall_after` bytes of the
    whole answer, headers among them, nothing more comes until the server ends.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    promised_bytes: int | None = None
    stall_after: int | None = None


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def page(rows: list[Any] | None = None, next_page: object = ..., **headers: str) -> Scripted:
    """A page of the API."""
    document: dict[str, Any] = {"values": [{"id": 1}] if rows is None else rows}
    if next_page is not ...:
        document["nextPage"] = next_page
    return Scripted(body=json.dumps(document).encode(), headers=headers)


def envelope(status: int, *, name: str = "", temporary: bool | None = None, **headers: str) -> Scripted:
    """An error as Flexera One writes it."""
    document = {
        "name": name or f"error_{status}",
        "id": f"id{status}",
        "message": f"message {status}",
        "timeout": False,
        "temporary": status in (429, 500, 502, 503) if temporary is None else temporary,
        "fault": status >= 500,
    }
    return Scripted(
        status, json.dumps(document).encode(), {"content-type": "application/vnd.goa.error", **headers}
    )


HTML = Scripted(200, b"<!DOCTYPE html><html>Please try later.</html>", {"content-type": "text/html"})


class ScriptedServer:
    """Answers API and token requests from two scripts; the last API answer is not repeated."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: deque[Scripted | Callable[[Seen], Scripted]] = deque()
        self.token_answers: deque[Scripted | Callable[[Seen], Scripted]] = deque()
        self.requests: list[Seen] = []
        self.token_requests: list[Seen] = []
        self.connection_count = 0
        self.is_over = threading.Event()

    def script(self, *answers: Scripted | Callable[[Seen], Scripted]) -> None:
        self.answers.extend(answers)

    def answer(self, seen: Seen) -> Scripted:
        if seen.path.startswith(TOKEN_PATH):
            self.token_requests.append(seen)
            answer = self.token_answers.popleft() if self.token_answers else self.new_token()
        else:
            self.requests.append(seen)
            answer = self.answers.popleft()
        return answer(seen) if callable(answer) else answer

    def new_token(self, expires_in: object = 3600) -> Scripted:
        document = {
            "access_token": f"token-{len(self.token_requests)}",
            "token_type": "Bearer",
            "expires_in": expires_in,
        }
        return Scripted(body=json.dumps(document).encode())


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A server on a free port for as long as the block lasts."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    server = http.scripted = ScriptedServer(f"http://127.0.0.1:{http.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        http.shutdown()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.scripted.connection_count += 1  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.scripted.answer(Seen(self.command, self.path, headers, body))  # type: ignore[attr-defined]
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name.replace("_", "-"), value)
        promised = len(answer.body) if answer.promised_bytes is None else answer.promised_bytes
        self.send_header("content-length", str(promised))
        if answer.stall_after is not None:
            self._stall(answer)
            return
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = promised != len(answer.body)

    def _stall(self, answer: Scripted) -> None:
        head = b"".join(self._headers_buffer) + b"\r\n"
        self.wfile.write((head + answer.body)[: answer.stall_after])
        self.server.scripted.is_over.wait()  # type: ignore[attr-defined]
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - the base class names them so
