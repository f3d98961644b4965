"""The token endpoint: who gets an access token and how long it lives."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flexera_simulator.envelope import ApiError

if TYPE_CHECKING:
    from flexera_simulator.settings import Settings

Clock = Callable[[], float]


class TokenOffice:
    """Issues access tokens and knows which are still good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._good_until: dict[str, float] = {}
        self._uses: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.issued_count = 0

    def issue(self, form: dict[str, str], settings: Settings) -> dict[str, Any]:
        """The token endpoint's answer to a request's fields."""
        grant = form.get("grant_type")
        if grant == "client_credentials":
            _check_client(form, settings)
            return self._answer(settings)
        if grant == "refresh_token":
            _check_refresh_token(form, settings)
            return self._answer(settings) | {"refresh_token": form["refresh_token"]}
        raise ApiError(400, "grant_type must be client_credentials or refresh_token")

    def check(self, authorization: str | None, most_uses: int = 0) -> None:
        """Refuse a caller without a token that is still good; `most_uses` 0 stands for any number."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(401, "the Authorization header holds no bearer token")
        with self._lock:
            good_until = self._good_until.get(token)
            if good_until is not None:
                self._uses[token] += 1
            is_used_up = 0 < most_uses < self._uses[token]
        if good_until is None:
            raise ApiError(401, "the access token is not known or was revoked")
        if self._clock() >= good_until or is_used_up:
            raise ApiError(401, "the access token has expired")

    def revoke_all(self) -> None:
        """Make every token issued so far worthless."""
        with self._lock:
            self._good_until.clear()
            self._uses.clear()

    def _answer(self, settings: Settings) -> dict[str, Any]:
        token = f"eyJhbGciOiJub25lIn0.{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(16)}"
        with self._lock:
            self._good_until[token] = self._clock() + settings.token_lifetime_seconds
            self.issued_count += 1
        seconds = max(int(settings.told_lifetime_seconds or settings.token_lifetime_seconds), 1)
        return {
            "access_token": token,
            "expires_in": str(seconds) if settings.expires_in == "text" else seconds,
            "token_type": "Bearer",
        }


def _check_client(form: dict[str, str], settings: Settings) -> None:
    same_id = _is_same(form.get("client_id", ""), settings.client_id)
    if not (same_id and _is_same(form.get("client_secret", ""), settings.client_secret)):
        raise ApiError(401, "the client id or the client secret is wrong")


def _check_refresh_token(form: dict[str, str], settings: Settings) -> None:
    if not _is_same(form.get("refresh_token", ""), settings.refresh_token):
        raise ApiError(401, "the refresh token is not known or was revoked")


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
