"""One reply of a server: read within its time, with what the server says about trying again."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from chargeback.errors import ConnectionLost, SettingsInvalid
from chargeback.flexera.deadline import Deadline
from chargeback.flexera.json_text import decode
from chargeback.flexera.redaction import redacted
from chargeback.flexera.retry import TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chargeback.settings import FlexeraSettings

_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_CHUNK_BYTES = 65_536
_LONGEST_BODY_BYTES = 256 * 1024 * 1024
_LONGEST_TEXT = 20_000
_SHOWN_LENGTH = 200

_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)  # OpenSSL's codes for a chain that ends in nobody we know
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


@dataclass(frozen=True, slots=True)
class Envelope:
    """What Flexera One's error envelope says; `is_temporary` is None where it does not say."""

    name: str = ""
    id: str = ""
    message: str = ""
    is_temporary: bool | None = None

    @classmethod
    def of(cls, document: Any) -> Envelope | None:
        """The envelope in a JSON document; None where it is none."""
        if not isinstance(document, dict) or "values" in document:
            return None
        name, id_, message = (_text(document.get(member)) for member in ("name", "id", "message"))
        flags = [flag for flag in map(document.get, ("temporary", "timeout")) if isinstance(flag, bool)]
        return cls(name, id_, message, any(flags) if flags else None)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and whole body of one exchange."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def envelope(self) -> Envelope | None:
        """The error envelope in the body; None where the body is no JSON object."""
        try:
            return Envelope.of(decode(self.body))
        except ValueError:
            return None

    @property
    def charset(self) -> str | None:
        """The charset that the server names; None where it names none."""
        match = _CHARSET.search(self.headers.get("content-type", ""))
        return match[1] if match else None

    @property
    def is_temporary(self) -> bool:
        """Whether another attempt may help: the server's word first, then the status.

        A 404 that is not JSON comes from a gateway, not from the API that knows what exists.
        """
        envelope = self.envelope
        if envelope is not None and envelope.is_temporary is not None:
            return envelope.is_temporary
        return (
            self.status in (408, 425, 429) or self.status >= 500 or (self.status == 404 and envelope is None)
        )

    @property
    def advised_seconds(self) -> float | None:
        """How long the server asks to wait, from `retry-after` in seconds or as a date."""
        advice = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(advice)
        except ValueError:
            return self._seconds_until(advice)
        return max(seconds, 0.0) if seconds == seconds else None

    def _seconds_until(self, date: str) -> float | None:
        """The wait until a date on the server's own clock, as far as it tells it."""
        until = _date(date)
        if until is None:
            return None
        now = _date(self.headers.get("date", "")) or datetime.now(UTC)
        return max((until - now).total_seconds(), 0.0)

    def described(self, *secrets: str) -> str:
        """The reply in a message's words: status, name, the server's id and text, without the secrets."""
        envelope = self.envelope or Envelope()
        words = [str(self.status)]
        if envelope.name:
            words.append(_shown(envelope.name, secrets))
        if envelope.id:
            words.append(f"(id {_shown(envelope.id, secrets)})")
        text = " ".join(words)
        return f"{text}: {_shown(envelope.message, secrets).rstrip('.')}" if envelope.message else text


def exchange(
    send: Callable[[Deadline], requests.Response],
    subject: str,
    settings: FlexeraSettings,
    clock: Callable[[], float],
) -> Reply:
    """Send one request and read the whole reply, all of it before one deadline.

    Raises TryAgain where no whole reply came.
    """
    deadline = Deadline(settings.timeout_seconds, clock)
    try:
        with send(deadline) as response:
            return Reply(response.status_code, response.headers, _body(response, deadline))
    except requests.exceptions.SSLError as error:
        raise _untrusted(error, subject, settings.conn_id) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        if _is_about_missing_bundle(error):
            raise SettingsInvalid(
                f"{subject}: the bundle of trusted certificates is not there. "
                f"{_BUNDLE_ADVICE.format(conn_id=settings.conn_id)}"
            ) from error
        if _is_unreached(_root(error)):
            raise TryAgain(
                ConnectionLost(
                    f"{subject}: the server could not be reached ({_named(error)}). See whether this machine needs a "
                    "proxy (HTTPS_PROXY) or has no network, and whether zone, api_url and token_url are right."
                )
            ) from error
        raise TryAgain(
            ConnectionLost(
                f"{subject}: no whole answer within {settings.timeout_seconds:g} s ({_named(error)}). Try later."
            )
        ) from error


def _body(response: requests.Response, deadline: Deadline) -> bytes:
    """The whole body; the deadline is looked at after every part, even where all of it came at once."""
    parts: list[bytes] = []
    byte_count = 0
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        parts.append(chunk)
        byte_count += len(chunk)
        deadline.left()
        if byte_count > _LONGEST_BODY_BYTES:
            raise OSError(f"the body is longer than {_LONGEST_BODY_BYTES} bytes")
    return b"".join(parts)


def _untrusted(error: requests.exceptions.SSLError, subject: str, conn_id: str) -> Exception:
    """The error for an encrypted connection that was not made; only a certificate needs a person to act."""
    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        advice = _ISSUER_ADVICE if root.verify_code in _UNKNOWN_ISSUER else _SERVER_ADVICE
        why = root.verify_message.rstrip(".")
        return SettingsInvalid(
            f"{subject}: the server's certificate is not trusted ({why}). {advice.format(conn_id=conn_id)}"
        )
    if isinstance(root, ssl.SSLError) and root.library == "X509":
        return SettingsInvalid(
            f"{subject}: the bundle of trusted certificates cannot be read. "
            f"{_BUNDLE_ADVICE.format(conn_id=conn_id)}"
        )
    return TryAgain(
        ConnectionLost(f"{subject}: the encrypted connection failed ({_named(error)}). Try later.")
    )


def _is_about_missing_bundle(error: Exception) -> bool:
    """Whether the library did not find the bundle; it says so in the text of a plain OSError only."""
    return type(error) is OSError and "CA certificate bundle" in str(error)


def _is_unreached(root: BaseException) -> bool:
    """Whether no connection was made at all: the name is unknown, or nobody answers at the address."""
    return isinstance(root, socket.gaierror | ConnectionRefusedError) or (
        isinstance(root, OSError) and root.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    )


def _named(error: Exception) -> str:
    """What went wrong, in a word: texts of lower layers may repeat addresses and headers."""
    if isinstance(error, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError):
        return "too slow"
    root = _root(error)
    reason = getattr(root, "strerror", None)
    return f"{type(root).__name__}, {reason}" if reason else type(root).__name__


def _root(error: BaseException) -> BaseException:
    """The first of the errors that led to this one."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _shown(text: str, secrets: tuple[str, ...]) -> str:
    """As much of a text as a message holds; cut only after the secrets are out, as half of one is not found."""
    return redacted(text, *secrets)[:_SHOWN_LENGTH]


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
