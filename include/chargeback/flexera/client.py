"""What we may ask of Flexera One: the licenses of an organization, and who consumes one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from chargeback.errors import LicenseGone
from chargeback.flexera.auth import TokenSource
from chargeback.flexera.paging import Page, follow
from chargeback.flexera.retry import TRIES
from chargeback.flexera.transport import Budget, Transport
from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from chargeback.settings import FlexeraSettings


class FlexeraClient:
    """Reads one organization. Pages come lazily, one request each, and only one is in memory."""

    def __init__(self, transport: Transport, org_id: str, page_size: int | None) -> None:
        self.org_id = org_id
        self._transport = transport
        self._licenses_path = f"/fnms/v1/orgs/{quote(org_id, safe='')}/licenses"
        self._page_size = page_size

    @classmethod
    def over(
        cls,
        session: requests.Session,
        settings: FlexeraSettings,
        budget: Budget,
        *,
        token_budget: Budget | None = None,
        tries: int = TRIES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> FlexeraClient:
        """A client over one kept-alive session that spends this budget, and for its tokens the other one.

        A request that fails is tried so often in all.
        """
        tokens = TokenSource(session, settings, token_budget, tries=tries, clock=clock, sleep=sleep)
        transport = Transport(session, settings, tokens, budget, tries=tries, clock=clock, sleep=sleep)
        return cls(transport, settings.org_id, settings.page_size)

    @property
    def request_count(self) -> int:
        """Requests sent so far, failed and throttled ones among them; token requests are not."""
        return self._transport.request_count

    @property
    def waited_seconds(self) -> float:
        """How long requests have waited for their turns."""
        return self._transport.waited_seconds

    def sign_in(self) -> None:
        """Get an access token, and ask for nothing else."""
        self._transport.sign_in()

    def license_pages(self) -> Iterator[Page]:
        """The organization's licenses."""
        return follow(self._transport, self._first(self._licenses_path), "license list")

    def consumption_pages(
        self, license_id: str, *, after: str | None = None, first_number: int = 1
    ) -> Iterator[Page]:
        """The consumption of a license, from its first page or from the `next_page` of one read before.

        Raises LicenseGone on any page where the license was deleted, PagingError where `after` has expired.
        """
        path = f"{self._licenses_path}/{quote(license_id, safe='')}/consumption"
        return follow(
            self._transport,
            after or self._first(path),
            f"license {plain(license_id)}",
            first_number=first_number,
            not_found=(path, LicenseGone),
        )

    def _first(self, path: str) -> str:
        """The first page's path; the cursor of every other page already holds the limit."""
        return f"{path}?limit={self._page_size}" if self._page_size else path
