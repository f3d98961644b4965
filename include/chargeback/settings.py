"""The connection to Flexera One, checked once."""

from __future__ import annotations

import ipaddress
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chargeback.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The connection of the first organization; those of the others begin with it.
FIRST_CONNECTION = "flexera"

ZONES = {
    "us": ("https://api.flexera.com", "https://login.flexera.com/oidc/token"),
    "eu": ("https://api.flexera.eu", "https://login.flexera.eu/oidc/token"),
    "au": ("https://api.flexera.au", "https://login.flexera.au/oidc/token"),
}
GRANT_TYPES = ("client_credentials", "refresh_token")

_OUR_EXTRAS = (
    "org_id",
    "zone",
    "grant_type",
    "api_url",
    "token_url",
    "requests_per_minute",
    "page_size",
    "timeout",
    "max_answer_mb",
    "max_pages",
    "verify",
)
# What the HTTP provider reads from the same extra.
_PROVIDER_EXTRAS = ("cert", "max_redirects", "proxies", "proxy", "trust_env")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexeraSettings:
    """Where the API is, who we are there, and how fast we may call it; `conn_id` is where that was set.

    SettingsInvalid lists everything that is wrong with them; `mistakes_before` are what was found on the way here.
    """

    org_id: str
    secret: str = field(repr=False)
    client_id: str | None = None
    zone: str = "us"
    grant_type: str = "client_credentials"
    api_url: str = ""
    token_url: str = ""
    requests_per_minute: int = 50
    page_size: int | None = None
    timeout_seconds: float = 60.0
    max_answer_mb: int = 256
    max_pages: int = 10_000
    ca_bundle: str | None = None
    conn_id: str = FIRST_CONNECTION
    mistakes_before: InitVar[Sequence[str]] = ()

    def __post_init__(self, mistakes_before: Sequence[str]) -> None:
        api_url, token_url = ZONES.get(self.zone, ("", ""))
        object.__setattr__(self, "api_url", (self.api_url or api_url).rstrip("/"))
        object.__setattr__(self, "token_url", self.token_url or token_url)
        if mistakes := [*mistakes_before, *self._mistakes()]:
            raise SettingsInvalid(
                f"Connection '{self.conn_id}': {'; '.join(mistakes)}. Set it in Airflow under Admin, Connections, "
                f"connection '{self.conn_id}', or in the environment variable AIRFLOW_CONN_{self.conn_id.upper()}."
            )

    @classmethod
    def from_connection(
        cls,
        login: str | None,
        password: str | None,
        extra: Mapping[str, Any],
        conn_id: str = FIRST_CONNECTION,
    ) -> FlexeraSettings:
        """The settings in a connection's fields; empty extras stand for their defaults."""
        given = {name: value for name, value in extra.items() if value not in (None, "")}
        mistakes = [
            f"extra {name} is unknown (known: {', '.join(_OUR_EXTRAS)})"
            for name in given
            if name not in (*_OUR_EXTRAS, *_PROVIDER_EXTRAS)
        ]
        values: dict[str, Any] = {"client_id": _text(login), "secret": password or "", "org_id": ""}
        values["conn_id"] = conn_id
        values |= {
            name: _text(given[name])
            for name in ("org_id", "grant_type", "api_url", "token_url")
            if name in given
        }
        if "zone" in given:
            values["zone"] = str(given["zone"]).strip().lower()
        values |= _numbers(given, mistakes)
        values |= _ca_bundle(given, mistakes)
        return cls(**values, mistakes_before=mistakes)

    @property
    def verify(self) -> str | bool:
        """How TLS is verified: always, against the bundle where there is one."""
        return self.ca_bundle or True

    @property
    def budget_id(self) -> str:
        """What the request limit belongs to: the organization, on its API."""
        return f"{urlsplit(self.api_url).netloc}/{self.org_id}"

    @property
    def token_budget_id(self) -> str:
        """What a limit of the token endpoint belongs to: the organization, at its login service."""
        return f"{urlsplit(self.token_url).netloc}/token/{self.org_id}"

    def place(self, setting: str) -> str:
        """Host and port of `api_url` or `token_url`."""
        address = urlsplit(getattr(self, setting))
        return f"{address.hostname}:{address.port or {'http': 80}.get(address.scheme, 443)}"

    def token_form(self) -> dict[str, str]:
        """What the token endpoint is sent. Holds the secret: never for a log."""
        if self.grant_type == "refresh_token":
            return {"grant_type": self.grant_type, "refresh_token": self.secret}
        return {
            "grant_type": self.grant_type,
            "client_id": self.client_id or "",
            "client_secret": self.secret,
        }

    def _mistakes(self) -> list[str]:
        is_refresh = self.grant_type == "refresh_token"
        checks = [
            (bool(self.org_id), "extra org_id is missing"),
            (self.zone in ZONES, f"extra zone is {self.zone!r}, not one of {', '.join(ZONES)}"),
            (
                self.grant_type in GRANT_TYPES,
                f"extra grant_type is {self.grant_type!r}, not one of {', '.join(GRANT_TYPES)}",
            ),
            (bool(self.client_id) or is_refresh, "login (the client id) is missing"),
            (
                bool(self.secret),
                f"password (the {'refresh token' if is_refresh else 'client secret'}) is missing",
            ),
            (self.requests_per_minute >= 0, "extra requests_per_minute is less than 0"),
            (self.page_size is None or self.page_size >= 1, "extra page_size is less than 1"),
            (self.timeout_seconds > 0, "extra timeout is not more than 0"),
            (self.max_answer_mb >= 1, "extra max_answer_mb is less than 1"),
            (self.max_pages >= 1, "extra max_pages is less than 1"),
            (
                self.ca_bundle is None or Path(self.ca_bundle).exists(),
                f"extra verify is {self.ca_bundle!r}, which does not exist",
            ),
        ]
        mistakes = [mistake for is_right, mistake in checks if not is_right]
        if self.zone in ZONES:
            mistakes += _address_mistakes("api_url", self.api_url, may_have_path=False)
            mistakes += _address_mistakes("token_url", self.token_url, may_have_path=True)
        return mistakes


def is_near(host: str) -> bool:
    """Whether a host is this machine or a neighbor, like a simulator: only there may secrets be in clear."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".internal", ".local"))
    return address.is_loopback or address.is_private


def _numbers(given: Mapping[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """The numeric extras; forms and environment variables give them as text."""
    kinds = {
        "requests_per_minute": ("requests_per_minute", int, "a whole number"),
        "page_size": ("page_size", int, "a whole number"),
        "max_answer_mb": ("max_answer_mb", int, "a whole number"),
        "max_pages": ("max_pages", int, "a whole number"),
        "timeout": ("timeout_seconds", float, "a number of seconds"),
    }
    numbers: dict[str, Any] = {}
    for extra, (name, kind, wanted) in kinds.items():
        if extra not in given:
            continue
        try:
            numbers[name] = kind(str(given[extra]).strip())
        except ValueError:
            mistakes.append(f"extra {extra} is {str(given[extra])[:40]!r}, not {wanted}")
    return numbers


def _ca_bundle(given: Mapping[str, Any], mistakes: list[str]) -> dict[str, Any]:
    verify = given.get("verify", True)
    if verify is True or str(verify).strip().lower() == "true":
        return {}
    if not isinstance(verify, str) or verify.strip().lower() == "false":
        mistakes.append(
            "extra verify cannot be turned off; it is the path of a bundle of trusted certificates"
        )
        return {}
    return {"ca_bundle": verify.strip()}


def _address_mistakes(name: str, address: str, *, may_have_path: bool) -> list[str]:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return [f"extra {name} is no address"]
    if parts.scheme not in ("http", "https") or not host:
        return [f"extra {name} is no address that starts with https://"]
    if parts.username is not None or parts.query or parts.fragment or (parts.path and not may_have_path):
        allowed = "host, port and path" if may_have_path else "host and port"
        return [f"extra {name} holds more than {allowed}"]
    if parts.scheme == "http" and not is_near(host):
        return [f"extra {name} must start with https://, as secrets travel to {host}"]
    return []


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip()
