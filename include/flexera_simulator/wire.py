"""Answers that break HTTP on purpose: paused, cut, reset, or of another length than they say."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

_HEAD_PIECE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What becomes of an answer between here and its reader; counts are bytes of the body."""

    cut_after: int | None = None
    reset_after: int | None = None
    length_error: int = 0
    pause_after: int | None = None
    pause_every: int | None = None
    pause_seconds: float = 0.0
    slow_headers: bool = False


class OpenConnection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP as the server speaks it, with the connection at hand for an answer that must break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


class WireResponse(Response):
    """A response that is written to the connection past the server, which is closed behind it."""

    def __init__(self, whole: Response, wire: Wire) -> None:
        super().__init__(whole.body, whole.status_code, media_type=whole.media_type)
        self.raw_headers = [
            (name, value) for name, value in whole.raw_headers if name.lower() != b"content-length"
        ]
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        transport = scope["state"]["transport"]
        for piece, seconds in self._pieces():
            transport.write(piece)
            if seconds and await _is_left(receive, seconds):
                return
        if self._wire.reset_after is not None:
            _reset(transport)
        transport.close()
        await _until_left(receive)

    def _pieces(self) -> Iterator[tuple[bytes, float]]:
        """What is written, each with the pause after it."""
        wire, head = self._wire, self._head()
        if wire.slow_headers:
            for start in range(0, len(head), _HEAD_PIECE):
                yield head[start : start + _HEAD_PIECE], wire.pause_seconds
        else:
            yield head, 0.0
        yield from self._body_pieces(self._sent_body())

    def _head(self) -> bytes:
        length = max(len(bytes(self.body)) + self._wire.length_error, 0)
        phrase = HTTPStatus(self.status_code).phrase.encode()
        lines = [b"HTTP/1.1 %d %s" % (self.status_code, phrase)]
        lines += [name + b": " + value for name, value in self.raw_headers]
        lines.append(b"content-length: %d" % length)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _sent_body(self) -> bytes:
        """The body as far as it is sent: one that is broken off lacks a byte at least."""
        body = bytes(self.body)
        end = self._wire.cut_after if self._wire.reset_after is None else self._wire.reset_after
        return body if end is None else body[: min(end, max(len(body) - 1, 0))]

    def _body_pieces(self, body: bytes) -> Iterator[tuple[bytes, float]]:
        wire = self._wire
        if wire.pause_every:
            for start in range(0, len(body), wire.pause_every):
                yield body[start : start + wire.pause_every], wire.pause_seconds
        elif wire.pause_after is not None:
            end = _within(wire.pause_after, len(body))
            yield body[:end], wire.pause_seconds
            yield body[end:], 0.0
        else:
            yield body, 0.0


async def _until_left(receive: Receive) -> None:
    """Wait until the connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _is_left(receive: Receive, seconds: float) -> bool:
    """Pause; whether the reader left meanwhile."""
    try:
        await asyncio.wait_for(_until_left(receive), seconds)
    except TimeoutError:
        return False
    return True


def _within(position: int, length: int) -> int:
    """A position in a body; one below 0 counts from its end."""
    return min(max(position if position >= 0 else length + position, 0), length)


def _reset(transport: Any) -> None:
    """Make closing the connection an abort, which loses what was not read yet."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
