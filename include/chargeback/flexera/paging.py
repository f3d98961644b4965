"""Follows nextPage, safely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from chargeback.errors import FinalError, PagingError, PayloadChanged
from chargeback.flexera.payloads import ParsedPage, page_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chargeback.flexera.transport import Answer, Transport
    from chargeback.settings import FlexeraSettings

_DEFAULT_PORTS = {"http": 80, "https": 443}


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
    number, seen = first_number, set()
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
                "Nothing more was read. Read it again later; if it happens again, report it to Flexera."
            )
        number += 1


def resolve(settings: FlexeraSettings, current_url: str, next_page: str, subject: str) -> str:
    """The address of a next page, its cursor untouched; the host is always the configured one."""
    api_url = settings.api_url
    api, target = urlsplit(api_url), _split(next_page, subject)
    if not target.scheme and not target.netloc:
        return f"{api_url}{next_page}" if next_page.startswith("/") else urljoin(current_url, next_page)
    if not _is_same_host(api, target):
        raise PagingError(
            f"{subject}: nextPage leads to {target.netloc.rpartition('@')[2]}, not to {api.netloc}. It was "
            "not followed, as the access token is for that host only. If the API has moved, set api_url of "
            f"connection '{settings.conn_id}'."
        )
    return api_url + next_page[next_page.index(target.netloc) + len(target.netloc) :]


def _split(next_page: str, subject: str) -> SplitResult:
    try:
        target = urlsplit(next_page)
        _ = target.port
    except ValueError as error:
        raise PagingError(f"{subject}: nextPage is no address. Report this to Flexera.") from error
    return target


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
