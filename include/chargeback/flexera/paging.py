"""Follows nextPage, safely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from chargeback.errors import FinalError, PagingError, PayloadChanged
from chargeback.flexera.payloads import ParsedPage, page_of
from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chargeback.flexera.transport import Answer, Transport
    from chargeback.settings import FlexeraSettings

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_ADDRESS = 16_384  # letters; servers take half of it at most
# So many pages in a row that are empty or like the one before: the list has no end.
_MOST_IDLE_PAGES = 100
_ADVICE = "Read it again later; if it happens again, report it to Flexera."


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the body as received, its rows, where the server says the next one is, and its number."""

    body: bytes
    rows: Sequence[dict[str, Any]]
    next_page: str | None
    number: int


def follow(
    transport: Transport,
    first: str,
    subject: str,
    *,
    first_number: int = 1,
    not_found: tuple[str, type[FinalError]] | None = None,
) -> Iterator[Page]:
    """Yield pages until one has no successor; an empty page is not the end.

    `not_found` is a path and the error for a 404 of its pages; elsewhere a 404 is a broken chain. A page that
    leads to another host, or back to one already read, is an error, and nothing is sent there.
    """
    number, seen, idle = first_number, set(), _Idle(subject)
    settings = transport.settings
    url: str | None = resolve(settings, settings.api_url, first, f"{subject} page {number}")
    while url is not None:
        seen.add(url)
        page_subject = f"{subject} page {number}"
        answer = transport.get(url, page_subject, _refusals(url, not_found))
        page = _page(answer, page_subject)
        yield Page(answer.body, page.rows, page.next_page, number)
        url = page.next_page and resolve(settings, url, page.next_page, page_subject)
        if url in seen:
            raise PagingError(
                f"{page_subject}: nextPage leads back to a page already read, so the list has no end. "
                f"Nothing more was read. {_ADVICE}"
            )
        if url is not None:
            idle.look_at(page.rows)
            _refuse_endless(settings, number, page_subject)
        number += 1


def resolve(settings: FlexeraSettings, current_url: str, next_page: str, subject: str) -> str:
    """The address of a next page, its cursor untouched; the host is always the configured one."""
    api_url = settings.api_url
    api, target = urlsplit(api_url), _target(next_page, subject)
    if not target.scheme and not target.netloc:
        return f"{api_url}{next_page}" if next_page.startswith("/") else urljoin(current_url, next_page)
    if not _is_same_host(api, target):
        raise PagingError(
            f"{subject}: nextPage leads to {plain(target.netloc.rpartition('@')[2])}, not to {api.netloc}. It "
            "was not followed, as the access token is for that host only. If the API has moved, set api_url of "
            f"connection '{settings.conn_id}'."
        )
    return api_url + next_page[next_page.index(target.netloc) + len(target.netloc) :]


@dataclass(slots=True)
class _Idle:
    """Counts pages in a row that bring nothing new."""

    subject: str
    count: int = 0
    last: tuple[object, ...] = ()

    def look_at(self, rows: Sequence[dict[str, Any]]) -> None:
        """PagingError where there are too many of them; the ends of a page tell it from another."""
        ends = (len(rows), rows[0], rows[-1]) if rows else ()
        self.count = self.count + 1 if not rows or ends == self.last else 0
        self.last = ends
        if self.count >= _MOST_IDLE_PAGES:
            raise PagingError(
                f"{self.subject}: {self.count} pages in a row were empty or the same, and each named a next one, so "
                f"the list has no end. Nothing more was read. {_ADVICE}"
            )


def _refuse_endless(settings: FlexeraSettings, number: int, subject: str) -> None:
    if number >= settings.max_pages:
        raise PagingError(
            f"{subject}: {number} pages were read and there are more, so the list seems to have no end. Where it is "
            f"that long, raise extra max_pages of connection '{settings.conn_id}', or set a larger extra page_size."
        )


def _target(next_page: str, subject: str) -> SplitResult:
    """The parts of an address; PagingError where it is none that can be asked."""
    flaw = _flaw(next_page)
    if flaw is None:
        try:
            target = urlsplit(next_page)
            _ = target.port
        except ValueError:
            flaw = "is no address"
        else:
            is_whole = target.netloc if target.scheme else "://" not in target.path
            if is_whole:
                return target
            flaw = "is no address"
    raise PagingError(f"{subject}: nextPage {flaw}, so no later page can be read. {_ADVICE}")


def _flaw(next_page: str) -> str | None:
    if len(next_page) > _LONGEST_ADDRESS:
        return f"has {len(next_page)} letters, more than any server takes"
    if not next_page.strip():
        return "is blank"
    if not (next_page.isascii() and next_page.isprintable()) or " " in next_page:
        return "is no address: it holds blanks or other letters that no address has"
    return None


def _is_same_host(api: SplitResult, target: SplitResult) -> bool:
    """Whether an address names the API's host; a link that forgot the s of https counts, as we keep ours."""
    is_default = [_port(each) == _DEFAULT_PORTS.get(each.scheme) for each in (api, target)]
    is_same_port = all(is_default) or _port(api) == _port(target)
    is_web = target.scheme in _DEFAULT_PORTS or not target.scheme
    return is_web and target.hostname == api.hostname and target.username is None and is_same_port


def _port(address: SplitResult) -> int | None:
    return address.port or _DEFAULT_PORTS.get(address.scheme)


def _page(answer: Answer, subject: str) -> ParsedPage:
    try:
        return page_of(answer.document)
    except PayloadChanged as error:
        raise PayloadChanged(f"{subject}: {error}") from error


def _refusals(url: str, not_found: tuple[str, type[FinalError]] | None) -> dict[int, type[FinalError]]:
    """The errors that a status means on this page: a refused cursor is a broken chain."""
    refusals: dict[int, type[FinalError]] = {}
    if not_found:
        path, error = not_found
        is_its_own = urlsplit(url).path.endswith(path)
        refusals = dict.fromkeys((404, 410), error if is_its_own else PagingError)
    if "skipToken=" in url:
        refusals[400] = PagingError
    return refusals
