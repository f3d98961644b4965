"""The catalog of profiles: named ways in which the simulator misbehaves, each turned on as a whole.

Group numbers are those of the list of behaviors the simulator must reproduce:

     1 token requests        7 chains of pages         13 figures that agree
     2 tokens that end       8 shapes of lists         14 server errors
     3 access                9 lists that change       15 slow and broken bodies
     4 busy login service   10 page sizes              16 good status, wrong answer
     5 request limit        11 licenses and rows       17 error envelope
     6 others on the limit  12 forms of values         18 writes
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flexera_simulator.faults import FOREIGN_HOST, Fault, fault_from

if TYPE_CHECKING:
    from collections.abc import Iterable

# Values that are filled in when a profile is turned on.
LICENSE = "{license}"
SLOW = "{slow}"
SLOW_PIECE = "{slow piece}"
PIECES = 20

TENANT = ("tenant", "seed", "licenses", "rows")
LOGIN_PATH = "/oidc/token"
API_PATH = "/fnms/"
ALWAYS = None

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A name, one sentence, and what is switched on."""

    name: str
    group: int
    does: str
    settings: Rule = field(default_factory=dict)
    faults: tuple[Rule, ...] = ()

    @property
    def is_about_one_license(self) -> bool:
        """Whether it disturbs one license only, which must be named when it is turned on."""
        return any(LICENSE in rule.values() for rule in (self.settings, *self.faults))

    @property
    def tenant_settings(self) -> Rule:
        """Those of its settings that make another tenant."""
        return {name: value for name, value in self.settings.items() if name in TENANT}

    def applied(self, license_id: str, slow_seconds: float) -> tuple[Rule, list[Fault]]:
        """The settings and new faults for one license and one notion of slow."""
        values = {LICENSE: license_id, SLOW: slow_seconds, SLOW_PIECE: slow_seconds / PIECES}
        settings, *faults = (
            {
                name: values.get(value, value) if isinstance(value, str) else value
                for name, value in rule.items()
            }
            for rule in (self.settings, *self.faults)
        )
        return settings, [fault_from(rule) for rule in faults]


def setting(group: int, name: str, does: str, **settings: Any) -> Profile:
    """A profile of settings alone."""
    return Profile(name=name, group=group, does=does, settings=settings)


def fault(group: int, name: str, does: str, *faults: Rule, **rule: Any) -> Profile:
    """A profile of one fault, or of several that strike one after the other."""
    return Profile(name=name, group=group, does=does, faults=faults or (rule,))


def on_page_two(**rule: Any) -> Rule:
    """A fault that strikes while a license is being read."""
    return {"license": LICENSE, "page": 2, **rule}


# Groups 1 to 4: getting a token, keeping it, and what it lets in.
TOKENS = (
    setting(1, "expires_in_as_text", "The life of a token is told as text.", expires_in="text"),
    setting(1, "short_tokens", "A token lives five seconds.", token_lifetime_seconds=5.0),
    fault(
        1,
        "account_revoked",
        "The login service answers 401 to every request.",
        path=LOGIN_PATH,
        status=401,
        times=ALWAYS,
    ),
    fault(
        1,
        "grant_refused",
        "The login service answers 400 to every request.",
        path=LOGIN_PATH,
        status=400,
        times=ALWAYS,
    ),
    fault(
        2,
        "token_ends_between_pages",
        "After the first page of a license every token is worthless.",
        license=LICENSE,
        page=1,
        revoke_tokens=True,
    ),
    setting(
        2,
        "clock_skew",
        "A token is good for two requests, although expires_in says an hour.",
        requests_per_token=2,
        told_lifetime_seconds=3600.0,
    ),
    fault(
        3,
        "wrong_zone",
        "The API answers 401 to every request, as it does in another zone.",
        path=API_PATH,
        status=401,
        times=ALWAYS,
    ),
    fault(
        3,
        "no_role",
        "The API answers 403 to every request, as the account has no role.",
        path=API_PATH,
        status=403,
        times=ALWAYS,
    ),
    fault(3, "license_forbidden", "One license answers 403.", license=LICENSE, status=403, times=ALWAYS),
    fault(
        3,
        "forbidden_while_read",
        "The second page of one license answers 403.",
        **on_page_two(status=403, times=ALWAYS),
    ),
    fault(
        3,
        "unauthorized_while_read",
        "The second page of one license answers 401, whatever the token.",
        **on_page_two(status=401, times=ALWAYS),
    ),
    setting(
        3,
        "restricted_account",
        "The account sees 60 of 100 rows of a license; every answer is 200.",
        visible_percent=60,
    ),
    fault(
        4,
        "busy_login",
        "The login service answers 429, then 502, then well.",
        {"path": LOGIN_PATH, "status": 429, "headers": {"retry-after": "2"}},
        {"path": LOGIN_PATH, "status": 502},
    ),
    fault(
        4,
        "login_down",
        "The login service answers 503 with an HTML page, always.",
        path=LOGIN_PATH,
        status=503,
        body="html",
        times=ALWAYS,
    ),
)


# Groups 5 and 6: the request limit, and who else uses it up.
FEW = {"requests_per_minute": 5}
LIMITS = (
    setting(5, "throttled", "Five requests a minute; 429 tells the seconds to wait.", **FEW),
    setting(
        5,
        "throttled_without_advice",
        "Five requests a minute; 429 does not say how long to wait.",
        retry_after="absent",
        **FEW,
    ),
    setting(
        5,
        "throttled_for_hours",
        "Five requests a minute; 429 says to wait for more than two hours.",
        retry_after="hours",
        **FEW,
    ),
    setting(
        5,
        "throttled_until_a_date",
        "Five requests a minute; 429 tells the date to come back, as HTTP writes it.",
        retry_after="date",
        **FEW,
    ),
    fault(
        5,
        "throttled_always",
        "One license answers 429, always.",
        license=LICENSE,
        status=429,
        headers={"retry-after": "60"},
        times=ALWAYS,
    ),
    setting(
        6,
        "other_integration",
        "Another integration sends 20 of the 50 requests of each minute.",
        requests_per_minute=50,
        other_requests=20,
    ),
)


# Groups 7 to 10: how lists are cut into pages.
PAGING = (
    setting(7, "next_page_null", "nextPage is null on the last page.", last_page="null"),
    setting(7, "next_page_empty", "nextPage is empty text on the last page.", last_page="empty"),
    setting(7, "next_page_absolute", "nextPage is a whole address on the same host.", next_page="absolute"),
    setting(7, "next_page_foreign", "nextPage leads to another host.", next_page="foreign_host"),
    setting(7, "next_page_same", "nextPage leads to the page it stands on.", next_page="same_page"),
    setting(7, "next_page_circle", "The last page leads back to the first.", next_page="circle"),
    setting(7, "limit_ignored", "The limit a caller sets is ignored, on every page.", limit_counts=False),
    setting(7, "empty_pages", "Before each page with rows come two empty ones.", empty_pages=2),
    setting(
        7,
        "odd_cursors",
        "A skipToken holds a space, quotes, &, #, %, + and an accent, encoded in nextPage.",
        cursor="odd",
    ),
    setting(
        7,
        "raw_cursors",
        "A skipToken holds bars, slashes and equals signs, not encoded in nextPage.",
        cursor="raw",
    ),
    fault(
        7,
        "cursor_expires",
        "After the first page of one license its skipToken has expired: 400.",
        license=LICENSE,
        page=1,
        expire_cursors=True,
        times=ALWAYS,
    ),
    setting(
        8,
        "licenses_in_an_envelope",
        "The license list is an envelope without nextPage.",
        licenses_shape="envelope",
    ),
    setting(
        8,
        "licenses_in_pages",
        "The license list is an envelope with one license on a page.",
        licenses_shape="envelope",
        licenses_page_size=1,
    ),
    setting(
        8,
        "consumption_as_an_array",
        "The consumption of a license is a bare array of all rows.",
        consumption_shape="array",
    ),
    setting(
        9, "rows_repeated", "Each page begins with the last two rows of the one before.", repeated_rows=2
    ),
    setting(9, "rows_missed", "Each page after the first leaves out a row that has moved.", missed_rows=1),
    setting(
        9,
        "totals_change",
        "The totals of the licenses rise with each look at the list.",
        license_totals="rising",
    ),
    setting(
        9,
        "other_row_order",
        "Each walk through a list meets its rows in another order.",
        row_order="other_each_walk",
    ),
    setting(10, "one_row_a_page", "A page holds one row.", page_size=1),
    setting(10, "great_pages", "A page holds 10,000 rows.", page_size=10_000),
)


# Groups 11 to 13: licenses that come and go, forms of values, figures.
FORM_PROFILES = (
    ("numbers_as_text", "Every number is text."),
    ("bracketed_enums", "Enumerations stand in square brackets."),
    ("extra_fields", "Every object has members that nobody knows."),
    ("missing_optional", "Members that a pipeline can do without are absent."),
    ("empty_dates", "A date that is not set is empty text."),
    ("null_members", "Host, cluster, groups and the price of a right are null."),
    ("odd_names", "Names begin like a formula and hold quotes, commas, a line break and other scripts."),
    ("odd_quantities", "Consumption is negative and fractional, and the price of a right is 0."),
    ("unknown_type", "Every license is of a type that did not exist before."),
    (
        "groups_as_objects",
        "Locations, cost centers and corporate units are objects that hold their path.",
    ),
    ("twin_names", "All devices bear one name, and rows name their instances twice."),
    ("overridden", "Somebody overrode the consumption of every row: each is recharged one right more."),
    ("allocated_without_install", "Every license is allocated to devices without the software."),
    ("peak_on_rows", "Rows are recharged the period's peak, 2 % more than what is in use."),
    ("nobody_named", "Rows name neither a device nor a user."),
    ("unreadable_cells", "Members that no charge depends on hold words, lists and objects."),
    (
        "unreadable_rows",
        "Of ten rows, one has no number as its cost, and one names its consumer by text alone.",
    ),
    ("structured_licenses", "Each license holds rules, restrictions and applications."),
    (
        "contradicting_rows",
        "Rows charge three devices or users, each row with another name, host and owner.",
    ),
    ("several_rows", "Rows charge three devices or users, and say nothing else about them."),
)
LICENSES = (
    fault(
        11,
        "license_deleted",
        "One license answers 404 from its first page on, and then the list no longer holds it.",
        license=LICENSE,
        not_found=True,
        delists=True,
        times=ALWAYS,
    ),
    fault(
        11,
        "license_deleted_while_read",
        "One license answers 404 from its second page on, and then the list no longer holds it.",
        **on_page_two(not_found=True, delists=True, times=ALWAYS),
    ),
    fault(
        11,
        "consumption_not_found",
        "One license answers 404, and the list holds it all the same.",
        license=LICENSE,
        not_found=True,
        times=ALWAYS,
    ),
    setting(
        11, "license_created_late", "The last license is not on the list at its first look.", late_licenses=1
    ),
    fault(
        11,
        "consumed_without_rows",
        "One license has a total and no rows.",
        license=LICENSE,
        replace_body='{"values":[]}',
        times=ALWAYS,
    ),
    setting(
        11,
        "many_rows",
        "One license has 100,000 rows, 10,000 on a page.",
        tenant="load",
        licenses=1,
        rows=100_000,
        page_size=10_000,
    ),
    *(setting(12, form, does, forms=(form,)) for form, does in FORM_PROFILES),
    setting(
        12,
        "required_field_missing",
        "The rows of one license have no charge back figures.",
        forms=("no_charge",),
        formed_license=LICENSE,
    ),
    setting(12, "license_name_missing", "No license has a name.", forms=("no_license_name",)),
    setting(
        13,
        "every_license_type",
        "The mixed estate: Oracle rows round up to more than their license, PVU rows stay below its peak.",
        tenant="demo",
    ),
    setting(
        13,
        "tiers_on_rows",
        "The mixed estate, each machine of an RVU license put into the tiers by itself: rows exceed the license.",
        tenant="demo",
        forms=("tiers_on_rows",),
    ),
    setting(
        13,
        "wrong_costs",
        "Each cost is a cent more than its quantity times its price.",
        forms=("wrong_costs",),
    ),
)


# Groups 14 and 17: server errors in all their bodies.
ERROR_BODIES = (
    ("json", "envelope", 502, "an error envelope"),
    ("html", "html", 503, "an HTML page"),
    ("empty", "empty", 504, "an empty body"),
)


def error_profiles(word: str, body: str, status: int, text: str) -> Iterable[Profile]:
    """Server errors with one kind of body: once, several times, always."""
    each = [on_page_two(status=each, body=body) for each in (500, 502, 503, 504)]
    where = "The second page of a license answers"
    yield fault(14, f"{word}_errors", f"{where} 500, 502, 503 and 504 with {text}, once each.", *each)
    rule = on_page_two(status=status, body=body)
    yield fault(
        14, f"{word}_errors_five_times", f"{where} {status} with {text}, five times.", **rule | {"times": 5}
    )
    yield fault(
        14, f"{word}_errors_always", f"{where} {status} with {text}, always.", **rule | {"times": ALWAYS}
    )


ERRORS = (
    *(profile for kind in ERROR_BODIES for profile in error_profiles(*kind)),
    fault(
        17,
        "goa_errors",
        "A 503 comes as application/vnd.goa.error, as all errors do by default.",
        **on_page_two(status=503, content_type="application/vnd.goa.error"),
    ),
    fault(
        17,
        "errors_as_plain_json",
        "A 503 comes as application/json.",
        **on_page_two(status=503, content_type="application/json"),
    ),
    fault(
        17,
        "lasting_error",
        "A 500 says in its envelope that it is not temporary.",
        **on_page_two(status=500, temporary=False, times=ALWAYS),
    ),
)


# Group 15: bodies that are slow, or not what they say.
BODIES = (
    fault(
        15,
        "slow_page",
        "The second page of a license starts later than a caller waits, once.",
        **on_page_two(delay_seconds=SLOW),
    ),
    fault(
        15,
        "slow_page_always",
        "The second page of a license starts later than a caller waits, always.",
        **on_page_two(delay_seconds=SLOW, times=ALWAYS),
    ),
    fault(
        15,
        "slow_headers",
        "The headers of a page come a few bytes at a time, once.",
        **on_page_two(slow_headers=True, pause_seconds=SLOW_PIECE),
    ),
    fault(
        15,
        "stalled_body",
        "A body stops after 300 bytes, once.",
        **on_page_two(pause_after=300, pause_seconds=SLOW),
    ),
    fault(
        15,
        "stalled_before_the_end",
        "A body stops before its last byte, once.",
        **on_page_two(pause_after=-1, pause_seconds=SLOW),
    ),
    fault(
        15,
        "trickling_body",
        "A body comes 100 bytes at a time, always.",
        **on_page_two(pause_every=100, pause_seconds=SLOW_PIECE, times=ALWAYS),
    ),
    fault(
        15, "reset", "The connection is reset in the middle of a body, once.", **on_page_two(reset_after=300)
    ),
    fault(
        15,
        "reset_always",
        "The connection is reset in the middle of a body, always.",
        **on_page_two(reset_after=300, times=ALWAYS),
    ),
    fault(
        15, "truncated_json", "A 200 holds two thirds of its JSON, once.", **on_page_two(truncate_json=True)
    ),
    fault(
        15,
        "truncated_json_always",
        "A 200 holds two thirds of its JSON, always.",
        **on_page_two(truncate_json=True, times=ALWAYS),
    ),
    fault(
        15,
        "length_too_great",
        "Content-length promises 50 bytes more than come, once.",
        **on_page_two(length_error=50),
    ),
    fault(
        15,
        "length_too_small",
        "Content-length promises 50 bytes less than come, once.",
        **on_page_two(length_error=-50),
    ),
    setting(15, "no_gzip", "Bodies are not compressed.", gzip=False),
    fault(15, "gzip_cut", "A compressed body is cut in half, once.", **on_page_two(gzip_body="cut")),
    fault(
        15, "gzip_false", "A body that says it is compressed is not, once.", **on_page_two(gzip_body="false")
    ),
)


# Groups 16 and 18: a good status with a wrong answer, redirects, writes.
ERROR = json.dumps(
    {
        "name": "internal_error",
        "id": "odd-200",
        "message": "not now",
        "timeout": False,
        "temporary": True,
        "fault": True,
    }
)
ANSWERS = (
    fault(
        16,
        "maintenance_page",
        "A 200 holds an HTML maintenance page, twice.",
        **on_page_two(body="html", times=2),
    ),
    fault(
        16,
        "maintenance_page_always",
        "A 200 holds an HTML maintenance page, always.",
        **on_page_two(body="html", times=ALWAYS),
    ),
    fault(16, "login_page", "A 200 holds an HTML login page, once.", **on_page_two(body="login")),
    fault(16, "error_in_200", "A 200 holds an error envelope, once.", **on_page_two(replace_body=ERROR)),
    fault(
        16,
        "error_in_200_always",
        "A 200 holds an error envelope, always.",
        **on_page_two(replace_body=ERROR, times=ALWAYS),
    ),
    *(
        fault(
            16,
            f"redirect_{status}",
            f"A {status} leads to another host.",
            **on_page_two(status=status, redirect_to=FOREIGN_HOST, times=ALWAYS),
        )
        for status in (301, 303)
    ),
    fault(
        16,
        "redirect_on_the_host",
        "A 301 leads to another address of the same host.",
        **on_page_two(status=301, redirect_to="", times=ALWAYS),
    ),
    fault(
        16,
        "login_redirected",
        "The login service answers 303 to another host.",
        path=LOGIN_PATH,
        status=303,
        redirect_to=FOREIGN_HOST,
        times=ALWAYS,
    ),
    setting(18, "read_only", "Writes are refused with 405 and remembered, as they always are."),
    fault(
        18, "reads_refused", "One license answers 405 to a read.", license=LICENSE, status=405, times=ALWAYS
    ),
)


PROFILES = {
    profile.name: profile
    for profile in sorted(
        (*TOKENS, *LIMITS, *PAGING, *LICENSES, *ERRORS, *BODIES, *ANSWERS), key=lambda each: each.group
    )
}


def profile_named(name: str) -> Profile:
    """The profile of this name."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ValueError(f"no such profile: {name!r}; --list-profiles shows all") from None
