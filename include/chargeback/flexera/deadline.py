"""The time one exchange may take, over every byte of it."""

from __future__ import annotations

import http.client
import io
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import urllib3
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    import requests
    from _typeshed import WriteableBuffer

_LONGEST_CONNECT_SECONDS = 10.0
_CURRENT: ContextVar[Deadline] = ContextVar("deadline of the exchange")


class Deadline:
    """The end of an exchange's time.

    Timeouts of a socket count from one byte to the next, so a server that sends a little now and then could
    hold a reader for any time. Here each read, of headers and of the body, waits for what is left at most.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def left(self) -> float:
        """The seconds that are left; TimeoutError where there are none."""
        left = self._ends_at - self._clock()
        if left <= 0:
            raise TimeoutError("the time of the exchange is over")
        return left

    def send(
        self, session: requests.Session, request: requests.PreparedRequest, verify: str | bool
    ) -> requests.Response:
        """Send a request and read the answer's headers; its body is yet to be read, in the time that is left."""
        url = request.url or ""
        options = session.merge_environment_settings(url, {}, True, verify, None)
        adapter = session.get_adapter(url)
        if isinstance(adapter, HTTPAdapter):
            _bound(
                adapter.get_connection_with_tls_context(
                    request, options["verify"], options["proxies"], options["cert"]
                )
            )
        left = self.left()
        timeout: Any = urllib3.Timeout(connect=min(left, _LONGEST_CONNECT_SECONDS), total=left)
        session.get_redirect_target = _nowhere  # type: ignore[method-assign, assignment]
        with self._as_current():
            return session.send(request, timeout=timeout, allow_redirects=False, **options)

    @contextmanager
    def _as_current(self) -> Iterator[None]:
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


class _Response(http.client.HTTPResponse):
    """An answer whose every read keeps the deadline that was current when it began."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        deadline = _CURRENT.get(None)
        if deadline is not None:
            file: Any = self.fp
            self.fp = io.BufferedReader(_Reader(file.detach(), sock, deadline))


class _Reader(io.RawIOBase):
    """The bytes of a connection, each read waiting no longer than is left."""

    def __init__(self, file: io.RawIOBase, connection: socket.socket, deadline: Deadline) -> None:
        self._file = file
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._connection.settimeout(self._deadline.left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _nowhere(_: requests.Response) -> None:
    """Keep the library from reading where a redirect leads: it raises where that is no address."""


def _bound(pool: Any) -> None:
    """Make the connections a pool opens from now on keep deadlines."""
    if not issubclass(pool.ConnectionCls.response_class, _Response):
        pool.ConnectionCls = _bounded(pool.ConnectionCls)


@cache
def _bounded(kind: Any) -> Any:
    return type(kind.__name__, (kind,), {"response_class": _Response})
