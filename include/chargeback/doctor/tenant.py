"""The tenant: whether its API lets us in, what a first page of it says, and whether the field map reads that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from chargeback.doctor.findings import Finding, listed, ok, problem, warning
from chargeback.errors import ChargebackError, LicenseGone, ServiceBusy
from chargeback.flexera import FlexeraClient, UnreadableRow
from chargeback.methods import LicenseFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import requests

    from chargeback.flexera import Budget, Coverage, FieldMap
    from chargeback.methods import Catalog
    from chargeback.settings import FlexeraSettings

MOST_REQUESTS = 6

_TRIES = 2
_MOST_SAMPLES = 3
_PUBLISHED_LIMIT = 50  # requests a minute, as Flexera documents it for the IT Asset Management API
_LOW_SHARE = 0.2
_MOST_SKEW_SECONDS = 60.0
_MAP = "include/config/field_map.yaml"


class Handful:
    """The tenant's budget for a look: a few requests, each in its turn, and no waiting where the limit is used up."""

    def __init__(self, budget: Budget | None, most: int = MOST_REQUESTS) -> None:
        self._budget = budget
        self._most = most
        self.taken = 0

    def take(self) -> None:
        """Wait for a turn, unless enough were taken."""
        if self.taken >= self._most:
            raise ServiceBusy(
                f"{self._most} requests were sent, which is enough for a look. Try again later."
            )
        self.taken += 1
        if self._budget is not None:
            self._budget.take()

    def block(self, seconds: float) -> None:
        """Let nobody send for a while, and do not wait for it."""
        if self._budget is not None:
            self._budget.block(seconds)
        raise ServiceBusy(
            f"The request limit is used up for another {seconds:g} s. Wait, and see which other integration uses it."
        )

    def note_remaining(self, remaining: int) -> None:
        """Pass on what the server says is left."""
        if self._budget is not None:
            self._budget.note_remaining(remaining)

    def note_answer(self) -> None:
        """Keep nothing: a look changes no more than it must."""

    def has_answered(self) -> bool:
        """Return what the night knows."""
        return self._budget is not None and self._budget.has_answered()


@dataclass
class Sample:
    """What was read of the tenant, and the headers of the last reply with when it came."""

    headers: dict[str, str] = field(default_factory=dict)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    licenses: list[Mapping[str, Any]] = field(default_factory=list)

    def note(self, reply: requests.Response, *_: Any, **__: Any) -> None:
        """A hook of the session: keep the headers."""
        self.received_at = datetime.now(UTC)
        self.headers = {name.lower(): value for name, value in reply.headers.items()}


def examine(
    session: requests.Session,
    settings: FlexeraSettings,
    budget: Budget | None,
    token_budget: Budget | None,
    field_map: FieldMap | None,
    catalog: Catalog | None,
) -> list[Finding]:
    """Every finding about the tenant, for MOST_REQUESTS requests at most; ends where the API does not let us on."""
    sample = Sample()
    session.hooks["response"].append(sample.note)
    client = FlexeraClient.over(
        session,
        settings,
        Handful(budget),
        token_budget=Handful(token_budget),
        tries=_TRIES,
    )
    findings = [pace(settings), access_token(client)]
    if findings[-1].level == "ok":
        findings.append(license_list(client, settings, sample))
        findings += [limit(settings, sample.headers), clock(sample.headers, sample.received_at)]
    if sample.licenses and catalog is not None and field_map is not None:
        findings.append(license_types(field_map, catalog, sample.licenses))
    if sample.licenses and field_map is not None:
        findings += names("license list", field_map.coverage("license", sample.licenses))
        findings += consumption(client, field_map, sample.licenses)
    return findings


def pace(settings: FlexeraSettings) -> Finding:
    """Whether our pace is one that Flexera allows."""
    found = (
        f"{settings.requests_per_minute} requests a minute"
        if settings.requests_per_minute
        else "the server sets the pace"
    )
    if not 0 < settings.requests_per_minute <= _PUBLISHED_LIMIT and _is_flexera(settings):
        return warning(
            "pace", found, f"Set requests_per_minute to {_PUBLISHED_LIMIT} or less, as Flexera allows no more"
        )
    return ok("pace", found)


def access_token(client: FlexeraClient) -> Finding:
    """Whether the login service knows the account."""
    try:
        client.sign_in()
    except ChargebackError as error:
        return problem("access token", str(error))
    return ok("access token", "obtained")


def license_list(client: FlexeraClient, settings: FlexeraSettings, sample: Sample) -> Finding:
    """Whether the organization can be seen, and how many licenses its first page holds."""
    try:
        page = next(client.license_pages())
    except ChargebackError as error:
        return problem("organization", str(error))
    sample.licenses.extend(page.rows)
    if not page.rows:
        return problem(
            "organization",
            f"{settings.org_id} answers, and shows no license on its first page",
            "Give the account a role that may see licenses, and check org_id",
        )
    more = ", and there are more pages" if page.next_page else ""
    return ok("organization", f"{settings.org_id} shows {len(page.rows)} licenses on its first page{more}")


def limit(settings: FlexeraSettings, headers: Mapping[str, str]) -> Finding:
    """What the server says is left of its request limit."""
    remaining = headers.get("x-ratelimit-remaining", "")
    if not (remaining.isascii() and remaining.isdigit()):
        return ok("request limit", "the server does not say what is left of it")
    found = f"{remaining} requests are left of the server's window"
    if int(remaining) < settings.requests_per_minute * _LOW_SHARE:
        return warning(
            "request limit",
            found,
            "Others use it, or a night is running: see which integration asks that much",
        )
    return ok("request limit", found)


def clock(headers: Mapping[str, str], received_at: datetime) -> Finding:
    """Whether this machine and the API agree on the time; certificates and tokens live by it."""
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return ok("API clock", "the server does not tell its time")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    skew = abs((received_at - theirs).total_seconds())
    found = f"{skew:.0f} s apart from Flexera's"
    if skew > _MOST_SKEW_SECONDS:
        return warning("API clock", found, "Set this machine's clock by a time server")
    return ok("API clock", found)


def license_types(field_map: FieldMap, catalog: Catalog, rows: Sequence[Mapping[str, Any]]) -> Finding:
    """Whether each license type of the tenant has recharge methods of its own."""
    kinds: dict[str, list[bool]] = {}
    for row in rows:
        try:
            license_ = field_map.license(row)
        except UnreadableRow:
            continue
        facts = LicenseFacts(**{name: license_[name] for name in ("license_id", "license_type", "publisher")})
        kinds.setdefault(license_["license_type"] or "none", []).append(catalog.has_rule_for(facts))
    without = sorted(kind for kind, has_rule in kinds.items() if not all(has_rule))
    if without:
        return warning(
            "license types",
            f"without a method of their own, so charged by the default one: {listed(without)}",
            "Add them to license_types of include/config/methods.yaml",
        )
    return ok("license types", f"all {len(kinds)} have methods")


def consumption(
    client: FlexeraClient, field_map: FieldMap, licenses: Sequence[Mapping[str, Any]]
) -> list[Finding]:
    """How the field map reads one page of consumption; asks for a few licenses until one has rows."""
    try:
        for license_id in _likely_ids(field_map, licenses)[:_MOST_SAMPLES]:
            rows = _first_rows(client, license_id)
            if rows:
                return names(f"license {license_id}", field_map.coverage("consumption", rows))
    except ChargebackError as error:
        return [problem("consumption", str(error))]
    return [
        warning(
            "consumption",
            "none of the first licenses has consumption rows, so the field map could not be tried",
            "See in Flexera One whether the account may see who consumes; look again after a reconciliation",
        )
    ]


def names(subject: str, found: Coverage) -> list[Finding]:
    """What must be changed in the field map for a page of the subject."""
    rows = f"{subject}, {found.row_count} rows"
    unread = f"Fields that no column reads: {listed(found.unread)}" if found.unread else "Every field is read"
    findings = []
    if found.missing:
        findings.append(
            problem(
                "required fields",
                f"{rows}: no row has {listed(found.missing)}",
                f"{unread}. Put the right path into {_MAP}",
            )
        )
    else:
        findings.append(ok("required fields", f"{rows}: all are there"))
    findings.append(_optional(rows, found, unread))
    findings += _values(rows, found)
    return findings


def _values(rows: str, found: Coverage) -> list[Finding]:
    """Rows that would go to quarantine, and cells that would be null; all of a column mean that the map is wrong."""
    advice = f"Correct type or paths of these columns in {_MAP}"
    findings = []
    if found.unreadable:
        reasons = _counted(found.unreadable, "rows")
        charged = "some cannot be read, and would be charged to nobody"
        findings.append(problem("values", f"{rows}: {charged}: {reasons}", advice))
    if found.null_cells:
        columns = Counter[str]()
        for reason, count in found.null_cells:
            columns[reason.partition(":")[0]] += count
        level = problem if max(columns.values()) == found.row_count else warning
        reasons = _counted(found.null_cells, "cells")
        findings.append(
            level("values", f"{rows}: some cells cannot be read, and would be empty: {reasons}", advice)
        )
    return findings


def _counted(reasons: Iterable[tuple[str, int]], what: str) -> str:
    return listed([f"{reason} ({count} {what})" for reason, count in reasons])


def _optional(rows: str, found: Coverage, unread: str) -> Finding:
    """A missing optional column is only worth a look where the page has a field that no column reads."""
    if not found.absent:
        return ok("optional fields", f"{rows}: all are there. {unread}")
    absent = f"{rows}: no row has {listed(found.absent)}"
    if not found.unread:
        return ok("optional fields", f"{absent}. {unread}")
    return warning(
        "optional fields", absent, f"{unread}. If one of them is such a column, add its path in {_MAP}"
    )


def _likely_ids(field_map: FieldMap, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of readable licenses, those with consumption first."""
    readable = []
    for row in rows:
        try:
            readable.append(field_map.license(row))
        except UnreadableRow:
            continue
    return [each["license_id"] for each in sorted(readable, key=lambda each: not each["consumed"])]


def _first_rows(client: FlexeraClient, license_id: str) -> Sequence[Mapping[str, Any]]:
    try:
        return next(client.consumption_pages(license_id)).rows
    except LicenseGone:
        return []


def _is_flexera(settings: FlexeraSettings) -> bool:
    return settings.api_url.endswith((".flexera.com", ".flexera.eu", ".flexera.au"))
