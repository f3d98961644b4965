"""Sends one read request: in its turn, patiently, and with failures told in our words."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import requests

from chargeback.errors import (
    AccessDenied,
    FinalError,
    LicenseGone,
    PagingError,
    PayloadChanged,
    RequestRefused,
    ServiceBusy,
)
from chargeback.flexera.json_text import NotJson, outline, utf8
from chargeback.flexera.replies import Envelope, Reply, exchange, unreadable
from chargeback.flexera.retry import TRIES, Patience, TryAgain
from chargeback.plain_text import plain, plain_logger

if TYPE_CHECKING:
    from chargeback.flexera.auth import TokenSource
    from chargeback.flexera.deadline import Deadline
    from chargeback.settings import FlexeraSettings

log = plain_logger(__name__)

Refusals = Mapping[int, type[FinalError]]

_MOST_ALIKE = 3  # cut answers equal in every byte: the next one is no better
_HEADERS = {"Accept": "application/json", "User-Agent": "license-chargeback"}
_DENIALS: Refusals = {401: AccessDenied, 403: AccessDenied, 407: AccessDenied}
_ADVICE: dict[type[FinalError], str] = {
    AccessDenied: (
        "Check org_id and zone of connection '{conn_id}', and give its account a role that may read IT Asset "
        "Management in this organization."
    ),
    LicenseGone: "The API has no consumption of this license.",
    PagingError: "The cursor is not valid any more; read again from the first page.",
    RequestRefused: (
        "Check org_id, zone, api_url and page_size of connection '{conn_id}'; if they are right, report it to "
        "Flexera."
    ),
}


class Budget(Protocol):
    """The tenant's request budget, shared by all that spend it."""

    def take(self) -> None:
        """Wait for the next request's turn."""

    def block(self, seconds: float) -> None:
        """Let nobody send for a while."""

    def note_remaining(self, remaining: int) -> None:
        """Keep what the server says is left of the budget."""

    def note_answer(self) -> None:
        """Keep that the server gave a good answer."""

    def has_answered(self) -> bool:
        """Return whether the server has ever given one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A good reply: its body as received, but in UTF-8, and the JSON document in it, the rows of a page as written."""

    body: bytes
    document: Any


class Transport:
    """Reads addresses of one API over one session; it has no way to send anything but a GET."""

    def __init__(
        self,
        session: requests.Session,
        settings: FlexeraSettings,
        tokens: TokenSource,
        budget: Budget,
        *,
        tries: int = TRIES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session
        self._settings = settings
        self._tokens = tokens
        self._budget = budget
        self._clock = clock
        self._patience = Patience(tries=tries, sleep=sleep, clock=clock)
        self._is_known = False
        self.request_count = 0
        self.waited_seconds = 0.0

    @property
    def settings(self) -> FlexeraSettings:
        return self._settings

    def sign_in(self) -> None:
        """Get an access token, unless one is kept."""
        self._tokens.token()

    def get(self, url: str, subject: str, refusals: Refusals) -> Answer:
        """The answer at an address, sent exactly as written.

        `refusals` names the error for statuses that mean something for this request; `subject` opens every
        message.
        """
        unread: list[bytes] = []
        answer = self._patience.call(
            lambda: self._attempt(url, subject, {**_DENIALS, **refusals}, unread),
            self._budget.block,
            self._has_answered,
        )
        if not self._is_known:
            self._budget.note_answer()
            self._is_known = True
        return answer

    def _has_answered(self) -> bool:
        return self._is_known or self._budget.has_answered()

    def _attempt(self, url: str, subject: str, refusals: Refusals, unread: list[bytes]) -> Answer:
        reply, token = self._send_authorized(url, subject)
        if page := reply.login_page(url):
            raise AccessDenied(
                f"{subject}: signing in failed: {reply.status} with {page} instead of data. "
                f"{self._advice(AccessDenied)} Check its api_url, and whether the network of this machine asks for a "
                "login of its own."
            )
        if reply.status == 200:
            return self._read(reply, subject, token, unread)
        raise self._failure(reply, subject, refusals, token)

    def _send_authorized(self, url: str, subject: str) -> tuple[Reply, str]:
        """One exchange, and a second with a new token where the first was not taken: tokens may die early."""
        reply, token = self._send(url, subject)
        if reply.status == 401 or reply.login_page(url):
            log.info("%s: access token rejected, requesting a new one", subject)
            self._tokens.discard(token)
            reply, token = self._send(url, subject)
        return reply, token

    def _send(self, url: str, subject: str) -> tuple[Reply, str]:
        self._tokens.token()  # renewed before the turn comes, so that the turn is used at once
        asked_at = self._clock()
        self._budget.take()
        self.waited_seconds += self._clock() - asked_at
        token = self._tokens.token()
        self.request_count += 1
        reply = exchange(
            lambda deadline: self._send_once(url, token, deadline),
            subject,
            self._settings,
            "api_url",
            self._clock,
        )
        self._note_remaining(reply)
        return reply, token

    def _send_once(self, url: str, token: str, deadline: Deadline) -> requests.Response:
        request = self._session.prepare_request(
            requests.Request("GET", self._settings.api_url, headers=_HEADERS, auth=_bearer(token))
        )
        request.url = url  # past the library's own quoting: a cursor goes back as it came
        return deadline.send(self._session, request, self._settings.verify)

    def _note_remaining(self, reply: Reply) -> None:
        remaining = reply.headers.get("x-ratelimit-remaining", "")
        if remaining.isascii() and remaining.isdigit():
            self._budget.note_remaining(int(remaining[:9]))

    def _read(self, reply: Reply, subject: str, token: str, unread: list[bytes]) -> Answer:
        """The answer in a good reply; `unread` are the marks of the replies before that could not be read."""
        body = utf8(reply.body, reply.charset)
        if body is not reply.body:
            log.warning("%s: the answer is not plain UTF-8; it is kept converted", subject)
        try:
            document = outline(body)
        except NotJson as error:
            unread.append(hashlib.sha256(reply.body).digest())
            begins_as_json = body.lstrip().startswith((b"{", b"["))
            says_json = bool(body) and "json" in reply.headers.get("content-type", "")
            is_the_same_again = unread.count(unread[-1]) >= _MOST_ALIKE
            if (begins_as_json and not error.is_cut) or ((begins_as_json or says_json) and is_the_same_again):
                raise PayloadChanged(
                    f"{subject}: the answer is not JSON ({error}), so nothing of it can be read. Report it to Flexera."
                ) from error
            raise unreadable(reply, subject, self._settings, "api_url", token) from error
        envelope = Envelope.of(document)
        if envelope is not None and envelope.is_temporary is not None:
            raise TryAgain(
                ServiceBusy(
                    f"{subject}: 200 with an error in it: {self._described(reply, token)}. Try later."
                )
            )
        return Answer(body, document)

    def _described(self, reply: Reply, token: str) -> str:
        return reply.described(token, self._settings.secret)

    def _failure(self, reply: Reply, subject: str, refusals: Refusals, token: str) -> Exception:
        described = f"{subject}: {self._described(reply, token)}"
        if reply.status == 429:
            busy = ServiceBusy(
                f"{described}. The request limit stayed used up; lower requests_per_minute or try later."
            )
            return TryAgain(busy, reply.advised_seconds, is_throttled=True)
        if 200 < reply.status < 300 or (reply.is_temporary and reply.status != 404):
            return TryAgain(
                ServiceBusy(f"{described}. Flexera One is busy; try later."), reply.advised_seconds
            )
        if 300 <= reply.status < 400:
            where = _target(reply)
            return RequestRefused(f"{described} to {where}, not followed. {self._advice(RequestRefused)}")
        if reply.is_temporary:
            refused = f"{described}, not from the API itself. {self._advice(RequestRefused)}"
            return TryAgain(RequestRefused(refused), reply.advised_seconds)
        kind = refusals.get(reply.status, RequestRefused)
        return kind(f"{described}. {self._advice(kind)}")

    def _advice(self, kind: type[FinalError]) -> str:
        return _ADVICE.get(kind, "").format(conn_id=self._settings.conn_id)


def _target(reply: Reply) -> str:
    """Where a redirect points, by host only."""
    try:
        host = urlsplit(reply.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return f"host {plain(host)}" if host else "another address"


def _bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return sign
