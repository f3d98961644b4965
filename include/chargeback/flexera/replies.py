"""One reply of a server: read within its time, with what the server says about trying again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from chargeback.errors import PayloadTooLarge, RequestRefused, ServiceBusy
from chargeback.flexera import failures, web_pages
from chargeback.flexera.deadline import Deadline
from chargeback.flexera.json_text import decode
from chargeback.flexera.redaction import redacted
from chargeback.flexera.retry import TryAgain
from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from chargeback.settings import FlexeraSettings

_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_CHUNK_BYTES = 65_536
_MEGABYTE = 1024 * 1024
_LONGEST_TEXT = 20_000


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

    def login_page(self, asked: str) -> str | None:
        """The login page that came, or that a redirect leads to, in words; None for every other reply."""
        if 300 <= self.status < 400:
            return web_pages.login_redirect(self.headers.get("location", ""), asked)
        return web_pages.login_page(self.headers, self.body) if self.status < 300 else None

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
    setting: str,
    clock: Callable[[], float],
) -> Reply:
    """Send one request and read the whole reply, all of it before one deadline.

    `setting` is the one of the connection that holds the address. Raises TryAgain where no whole reply came, or what a
    person must change.
    """
    deadline = Deadline(settings.timeout_seconds, clock)
    body = bytearray()
    try:
        with send(deadline) as response:
            for part in _parts(response, deadline):
                body += part
                if len(body) > settings.max_answer_mb * _MEGABYTE:
                    raise _too_large(subject, settings)
            return Reply(response.status_code, response.headers, bytes(body))
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
        raise failures.told(error, subject, settings, setting, len(body)) from error


def unreadable(
    reply: Reply, subject: str, settings: FlexeraSettings, setting: str, *secrets: str
) -> TryAgain:
    """The error for a good status without JSON.

    It is final where a page that promises no better comes from an address that has never answered otherwise.
    """
    kind = _shown(reply.headers.get("content-type", "no content type"), (*secrets, settings.secret))
    what = f"{len(reply.body)} bytes of {kind}" if reply.body else "an empty body"
    busy = ServiceBusy(f"{subject}: {reply.status} with {what} instead of whole JSON. Try later.")
    if not web_pages.is_web_page(reply.body) or web_pages.is_maintenance(reply.headers, reply.body):
        return TryAgain(busy)
    page = _shown(web_pages.title(reply.headers, reply.body), (*secrets, settings.secret))
    return TryAgain(
        busy,
        if_never_answered=RequestRefused(
            f"{subject}: {reply.status} with a web page {page} instead of data. Check zone and {setting} of connection "
            f"'{settings.conn_id}': it must name the API, not a page for people."
        ),
    )


def _parts(response: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    """The body; the deadline is looked at after every part, even where all of it came at once."""
    while part := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        yield part
        deadline.left()


def _too_large(subject: str, settings: FlexeraSettings) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"{subject}: the answer is larger than {settings.max_answer_mb} MB, so the rest of it was not read. Set a "
        f"smaller extra page_size of connection '{settings.conn_id}'; where the server answers in one piece all the "
        "same, raise extra max_answer_mb."
    )


def _shown(text: str, secrets: tuple[str, ...]) -> str:
    """As much of a text as a message holds; cut only after the secrets are out, as half of one is not found."""
    return plain(redacted(text, *secrets))


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
