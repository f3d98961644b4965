"""One reply of a server: read within its time, with what the server says about trying again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from chargeback.errors import ConnectionLost, SettingsInvalid
from chargeback.flexera.deadline import Deadline
from chargeback.flexera.payloads import decode
from chargeback.flexera.retry import TryAgain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK_BYTES = 65_536
_LONGEST_BODY_BYTES = 256 * 1024 * 1024
_SHOWN_LENGTH = 200


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
            words.append(envelope.name)
        if envelope.id:
            words.append(f"(id {envelope.id})")
        text = " ".join(words)
        if envelope.message:
            text = f"{text}: {envelope.message.rstrip('.')}"
        for secret in filter(None, secrets):
            text = text.replace(secret, "***")
        return text


def exchange(
    send: Callable[[Deadline], requests.Response],
    subject: str,
    timeout_seconds: float,
    clock: Callable[[], float],
) -> Reply:
    """Send one request and read the whole reply, all of it before one deadline.

    Raises TryAgain where no whole reply came.
    """
    deadline = Deadline(timeout_seconds, clock)
    try:
        with send(deadline) as response:
            return Reply(response.status_code, response.headers, _body(response, deadline))
    except requests.exceptions.SSLError as error:
        raise _untrusted(error, subject) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise TryAgain(
            ConnectionLost(
                f"{subject}: no whole answer within {timeout_seconds:g} s ({_named(error)}). Try later."
            )
        ) from error


def _body(response: requests.Response, deadline: Deadline) -> bytes:
    """The whole body; the clock is looked at for every part, also where it was there in one go."""
    parts: list[bytes] = []
    byte_count = 0
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        parts.append(chunk)
        byte_count += len(chunk)
        deadline.left()
        if byte_count > _LONGEST_BODY_BYTES:
            raise OSError(f"the body is longer than {_LONGEST_BODY_BYTES} bytes")
    return b"".join(parts)


def _untrusted(error: requests.exceptions.SSLError, subject: str) -> Exception:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return SettingsInvalid(
            f"{subject}: the server's certificate is not trusted. If your network puts in certificates of "
            "its own, set extra verify of connection 'flexera' to the path of a bundle with their issuer."
        )
    return TryAgain(
        ConnectionLost(f"{subject}: the encrypted connection failed ({_named(error)}). Try later.")
    )


def _named(error: Exception) -> str:
    """What went wrong, in a word: texts of lower layers may repeat addresses and headers."""
    if isinstance(error, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError):
        return "too slow"
    root: BaseException = error
    while root.__cause__ or root.__context__:
        root = root.__cause__ or root.__context__ or root
    reason = getattr(root, "strerror", None)
    return f"{type(root).__name__}, {reason}" if reason else type(root).__name__


def _text(value: Any) -> str:
    return value[:_SHOWN_LENGTH] if isinstance(value, str) else ""


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
