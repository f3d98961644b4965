"""A valid access token, renewed before it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests

from chargeback.errors import (
    AccessDenied,
    ChargebackError,
    FinalError,
    PayloadChanged,
    RequestRefused,
    ServiceBusy,
)
from chargeback.flexera.json_text import decode
from chargeback.flexera.replies import Reply, exchange, unreadable
from chargeback.flexera.retry import TRIES, Patience, TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable

    from chargeback.flexera.deadline import Deadline
    from chargeback.flexera.transport import Budget
    from chargeback.settings import FlexeraSettings

_SUBJECT = "access token"
_LIFE_SECONDS_WHERE_NOT_SAID = 300.0
_LARGEST_MARGIN_SECONDS = 60.0

_ADVICE: dict[type[ChargebackError], str] = {
    AccessDenied: (
        "Check login, password, grant_type and zone of connection '{conn_id}': the account must belong to the "
        "organization's zone, and its secret must not be revoked."
    ),
    RequestRefused: "Check zone and token_url of connection '{conn_id}'.",
}


class TokenSource:
    """Gets access tokens for one account and keeps the last one while it is valid.

    With a budget, a login service that is busy for one is left alone by all who share it.
    """

    def __init__(
        self,
        session: requests.Session,
        settings: FlexeraSettings,
        budget: Budget | None = None,
        *,
        tries: int = TRIES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session
        self._settings = settings
        self._budget = budget
        self._clock = clock
        self._patience = Patience(tries=tries, sleep=sleep, clock=clock)
        self._token: str | None = None
        self._renew_at = 0.0
        self._is_known = False

    def token(self) -> str:
        """A token with some life left."""
        if self._token is None or self._clock() >= self._renew_at:
            wait_for_turn = self._budget.block if self._budget else self._patience.sleep
            self._token, life_seconds = self._patience.call(self._request, wait_for_turn, self._has_answered)
            self._note_answer()
            margin = min(_LARGEST_MARGIN_SECONDS, life_seconds / 10)
            self._renew_at = self._clock() + life_seconds - margin
        return self._token

    def discard(self, token: str) -> None:
        """Forget a token the server did not take; a newer one is kept."""
        if self._token == token:
            self._token = None

    def _has_answered(self) -> bool:
        return self._is_known or (self._budget is not None and self._budget.has_answered())

    def _note_answer(self) -> None:
        if self._budget is not None and not self._is_known:
            self._budget.note_answer()
        self._is_known = True

    def _request(self) -> tuple[str, float]:
        if self._budget:
            self._budget.take()
        asked_at = self._clock()
        reply = exchange(self._send, _SUBJECT, self._settings, "token_url", self._clock)
        token, life_seconds = self._read(reply)
        return token, life_seconds - (self._clock() - asked_at)

    def _send(self, deadline: Deadline) -> requests.Response:
        request = requests.Request(
            "POST",
            self._settings.token_url,
            data=self._settings.token_form(),
            headers={"Accept": "application/json"},
            auth=_without_credentials,
        )
        return deadline.send(self._session, self._session.prepare_request(request), self._settings.verify)

    def _read(self, reply: Reply) -> tuple[str, float]:
        if page := reply.login_page(self._settings.token_url):
            raise AccessDenied(
                f"{_SUBJECT}: signing in failed: {reply.status} with {page} instead of a token. Check zone and "
                f"token_url of connection '{self._settings.conn_id}', and whether the network of this machine asks for "
                "a login of its own."
            )
        if reply.status != 200:
            raise self._failure(reply)
        try:
            answer = decode(reply.body)
        except ValueError as error:
            raise unreadable(reply, _SUBJECT, self._settings, "token_url") from error
        return _token_of(answer, self._settings.conn_id), _life_seconds_of(answer)

    def _failure(self, reply: Reply) -> Exception:
        described = f"{_SUBJECT}: {reply.described(self._settings.secret)}"
        if reply.status == 429 or reply.is_temporary:
            busy = ServiceBusy(f"{described}. The login service is busy; try later.")
            return TryAgain(busy, reply.advised_seconds, is_throttled=reply.status == 429)
        kind: type[FinalError] = AccessDenied if reply.status in (400, 401, 403) else RequestRefused
        return kind(f"{described}. {_ADVICE[kind].format(conn_id=self._settings.conn_id)}")


def _token_of(answer: Any, conn_id: str) -> str:
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if (
        not isinstance(token, str)
        or not token
        or not token.isascii()
        or not token.isprintable()
        or " " in token
    ):
        raise PayloadChanged(
            f"{_SUBJECT}: the answer holds no usable access_token. Check token_url of connection '{conn_id}': "
            "it must name the login service of Flexera One."
        )
    return token


def _life_seconds_of(answer: dict[str, Any]) -> float:
    """How long the token lives; some documents show the number as text."""
    try:
        return max(float(answer["expires_in"]), 0.0)
    except (KeyError, TypeError, ValueError):
        return _LIFE_SECONDS_WHERE_NOT_SAID


def _without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No further credentials: the form holds them, and a .netrc of the machine must not add others."""
    return request
