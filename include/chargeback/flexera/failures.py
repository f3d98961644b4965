"""Why no whole reply came, in words for people, with the setting to change."""

from __future__ import annotations

import http.client
import re
import ssl
import zlib
from typing import TYPE_CHECKING

import requests
import urllib3

from chargeback.errors import AddressUnreachable, ConnectionLost, SettingsInvalid
from chargeback.flexera.retry import TryAgain
from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chargeback.settings import FlexeraSettings

_MEGABYTE = 1024 * 1024
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)  # OpenSSL's codes for a chain that ends in nobody we know
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
_ISSUER_ADVICE = (
    "If your network puts in certificates of its own, set extra verify of connection '{conn_id}' to the path of a "
    "bundle with their issuer."
)
_SERVER_ADVICE = (
    "Check api_url and token_url of connection '{conn_id}' and the clock of this machine; if they are right, whoever "
    "runs the server must renew its certificate."
)
_BUNDLE_ADVICE = (
    "Set extra verify of connection '{conn_id}', or else the environment variable REQUESTS_CA_BUNDLE, to the path of "
    "a bundle of certificates."
)
_PROXY_ADVICE = "Check extra proxies of connection '{conn_id}' and the environment variable HTTPS_PROXY."
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)
_TOO_SLOW = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
# The first that fits any error of the chain.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (http.client.RemoteDisconnected, "the server closed the connection without an answer"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection was reset"),
    (http.client.IncompleteRead, "the answer ended early"),
    (urllib3.exceptions.IncompleteRead, "the answer ended early"),
    (zlib.error, "its compression is damaged"),
    (urllib3.exceptions.DecodeError, "its compression is damaged"),
    (http.client.HTTPException, "the answer is not HTTP"),
    (urllib3.exceptions.HeaderParsingError, "the answer is not HTTP"),
)


def told(
    error: Exception, subject: str, settings: FlexeraSettings, setting: str, received_bytes: int
) -> Exception:
    """The error for an exchange that brought no whole reply; `setting` names the address that was asked."""
    chain = list(_chain(error))
    conn_id = settings.conn_id
    for each in chain:
        if isinstance(each, ssl.SSLError) and (lasting := _distrust(each, subject, conn_id)):
            return lasting
    if _is_about_missing_bundle(error):
        advice = _BUNDLE_ADVICE.format(conn_id=conn_id)
        return SettingsInvalid(f"{subject}: the bundle of trusted certificates is not there. {advice}")
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return SettingsInvalid(
            f"{subject}: the proxy's address is none. {_PROXY_ADVICE.format(conn_id=conn_id)}"
        )
    if isinstance(error, _NO_ADDRESS):
        return SettingsInvalid(
            f"{subject}: {setting} is no address that can be asked. Correct extra {setting} of connection '{conn_id}'."
        )
    if wrong := _wrong_address(chain, subject, settings, setting):
        return wrong
    if any(isinstance(each, _TOO_SLOW) for each in chain):
        return TryAgain(_too_slow(subject, settings, received_bytes))
    return TryAgain(ConnectionLost(f"{subject}: no whole answer: {_named(chain)}. Try later."))


def _too_slow(subject: str, settings: FlexeraSettings, received_bytes: int) -> ConnectionLost:
    came = f", {_size(received_bytes)} had come" if received_bytes else ""
    return ConnectionLost(
        f"{subject}: no whole answer within {settings.timeout_seconds:g} s (too slow{came}). Raise extra timeout of "
        f"connection '{settings.conn_id}', or set a smaller extra page_size."
    )


def _wrong_address(
    chain: list[BaseException], subject: str, settings: FlexeraSettings, setting: str
) -> Exception | None:
    """The error where no connection was made to a server of the kind we look for; None for another failure.

    It is final where nothing has ever answered there.
    """
    unmade = [each for each in chain if isinstance(each, urllib3.exceptions.ConnectTimeoutError)]
    refusal = _refusal_of_proxy(chain)
    if refusal and refusal < 500:
        advice = _PROXY_ADVICE.format(conn_id=settings.conn_id)
        return SettingsInvalid(f"{subject}: the proxy refuses the connection ({refusal}). {advice}")
    if unmade:
        what = f"{_place(unmade[-1], settings, setting)} cannot be reached ({_reason(chain)})"
    elif refusal:
        what = f"{settings.place(setting)} cannot be reached through the proxy ({refusal})"
    elif any(isinstance(each, ssl.SSLError) and each.reason in _NO_TLS for each in chain):
        what = f"{settings.place(setting)} does not speak TLS (https)"
    else:
        return None
    message = (
        f"{subject}: {what}. Check zone and {setting} of connection '{settings.conn_id}', the network of this "
        "machine, and whether it needs a proxy (HTTPS_PROXY)."
    )
    return TryAgain(ConnectionLost(message), if_never_answered=AddressUnreachable(message))


def _place(error: urllib3.exceptions.ConnectTimeoutError, settings: FlexeraSettings, setting: str) -> str:
    """Host and port that a connection was tried to: those of the proxy where there is one."""
    connection = getattr(error, "conn", None) or (error.args[0] if error.args else None)
    host, port = getattr(connection, "host", None), getattr(connection, "port", None)
    if not isinstance(host, str):
        return settings.place(setting)
    place = f"{plain(host)}:{port}"
    return place if place == settings.place(setting) else f"the proxy {place}"


def _reason(chain: list[BaseException]) -> str:
    """Why a connection was not made."""
    texts = [each.strerror for each in chain if isinstance(each, OSError) and each.strerror]
    return plain(texts[-1]) if texts else "nobody answers"


def _refusal_of_proxy(chain: list[BaseException]) -> int | None:
    """The status by which a proxy refused to connect us; the library says it in a text only."""
    for each in chain:
        if found := re.search(r"Tunnel connection failed: (\d{3})", str(each)):
            return int(found[1])
    return None


def _distrust(root: ssl.SSLError, subject: str, conn_id: str) -> Exception | None:
    """The error for a certificate that needs a person to act; None for another failure of the encryption."""
    if isinstance(root, ssl.SSLCertVerificationError):
        advice = _ISSUER_ADVICE if root.verify_code in _UNKNOWN_ISSUER else _SERVER_ADVICE
        why = root.verify_message.rstrip(".")
        return SettingsInvalid(
            f"{subject}: the server's certificate is not trusted ({why}). {advice.format(conn_id=conn_id)}"
        )
    if root.library == "X509":
        advice = _BUNDLE_ADVICE.format(conn_id=conn_id)
        return SettingsInvalid(f"{subject}: the bundle of trusted certificates cannot be read. {advice}")
    return None


def _is_about_missing_bundle(error: Exception) -> bool:
    """True if the library did not find the bundle; it says so in the text of a plain OSError only."""
    return type(error) is OSError and "CA certificate bundle" in str(error)


def _named(chain: list[BaseException]) -> str:
    """What went wrong, in words: texts of lower layers may repeat addresses and headers."""
    for kind, words in _WORDS:
        if any(isinstance(each, kind) for each in chain):
            return words
    for each in reversed(chain):
        if isinstance(each, ssl.SSLError):
            reason = (each.reason or "no reason given").replace("_", " ").lower()
            return f"the encrypted connection failed ({reason})"
        if isinstance(each, OSError) and each.strerror:
            return plain(each.strerror)
    return "the connection broke"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that led to it, the first one last."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def _size(byte_count: int) -> str:
    return f"{byte_count // _MEGABYTE} MB" if byte_count >= _MEGABYTE else f"{byte_count} bytes"
