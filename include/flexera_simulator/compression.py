"""Gzip for callers that accept it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from flexera_simulator.simulator import Simulator

LEAST_BYTES = 500


class GzipWhenAccepted:
    """Compresses whole bodies; a body that is sent in parts is on its way to being cut, and stays plain."""

    def __init__(self, app: ASGIApp, simulator: Simulator) -> None:
        self._app = app
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = scope["type"] == "http" and "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if not (wanted and self._simulator.settings.gzip):
            await self._app(scope, receive, send)
            return
        start: list[Message] = []

        async def compressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            head = start.pop() if start else None
            is_whole = not message.get("more_body", False)
            headers = MutableHeaders(raw=head["headers"]) if head else MutableHeaders()
            is_plain = "content-encoding" not in headers
            if head and is_whole and is_plain and len(message.get("body", b"")) >= LEAST_BYTES:
                message["body"] = gzip.compress(message["body"], compresslevel=1, mtime=0)
                headers["content-encoding"] = "gzip"
                headers["content-length"] = str(len(message["body"]))
                headers["vary"] = "accept-encoding"
            if head:
                await send(head)
            await send(message)

        await self._app(scope, receive, compressed)
