"""What the client makes of each profile of the simulator: how it looks from outside, and its test."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from chargeback.errors import (
    AccessDenied,
    ChargebackError,
    ConnectionLost,
    PagingError,
    PayloadChanged,
    RequestRefused,
    ServiceBusy,
)
from chargeback.flexera import LINE_COLUMNS, FieldMap, UnreadableRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from profile_run import Reading, Row

    from flexera_simulator.testing import RunningSimulator

FIELD_MAP = FieldMap.read(Path(__file__).resolve().parents[3] / "include" / "config" / "field_map.yaml")
DISTURBED = "500001"  # the license with the most rows, which profiles about one license take


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One run under a profile, and one of the same tenant without it."""

    simulator: RunningSimulator
    before: Reading
    after: Reading

    @property
    def counters(self) -> dict[str, Any]:
        return self.simulator.counters()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`words` is how the documentation puts it; `sign` proves that the server did misbehave."""

    words: str
    check: Callable[[Seen], None]
    sign: Callable[[Seen], bool] = lambda _: True
    extra: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def whole(sign: Callable[[Seen], bool] = lambda _: True, **options: Any) -> Outcome:
    """Nothing is lost, doubled or altered."""
    return Outcome(words="every row", check=_nothing_is_altered, sign=sign, **options)


def other(
    words: str, check: Callable[[Seen], None], sign: Callable[[Seen], bool] = lambda _: True
) -> Outcome:
    """The rows differ in a way that the check describes."""
    return Outcome(words=words, check=check, sign=sign)


def list_refused(kind: type[ChargebackError], message: str) -> Outcome:
    """Nothing is read, and the message says why."""

    def check(seen: Seen) -> None:
        assert type(seen.after.list_error) is kind
        assert str(seen.after.list_error).startswith(message)
        assert seen.after.rows == {}

    return Outcome(words=f"`{kind.__name__}`, nothing is read", check=check)


def refused(
    kind: type[ChargebackError], message: str, *, page: int = 2, sign: Callable[[Seen], bool] = lambda _: True
) -> Outcome:
    """One license fails with its name and page, after the pages before; the others are whole."""

    def check(seen: Seen) -> None:
        after = seen.after
        assert list(after.failed) == [DISTURBED]
        assert type(after.failed[DISTURBED]) is kind
        assert str(after.failed[DISTURBED]).startswith(f"license {DISTURBED} page {page}: {message}")
        assert len(after.pages[DISTURBED]) == page - 1
        _others_are_whole(seen)

    return Outcome(words=f"`{kind.__name__}` for that license", check=check, sign=sign)


def chain_refused(message: str, page: int) -> Outcome:
    """Every license of several pages fails at this page, those of one page do not."""

    def check(seen: Seen) -> None:
        after = seen.after
        assert after.failed
        for license_id, error in after.failed.items():
            assert type(error) is PagingError
            assert str(error).startswith(f"license {license_id} page {page}: ")
            assert message in str(error)
            assert len(after.pages[license_id]) == page

    return Outcome(words="`PagingError` for each license", check=check)


def gone(page: int, words: str = "the license is recorded as deleted") -> Outcome:
    """The API does not know the license, which stops no other."""

    def check(seen: Seen) -> None:
        assert seen.after.failed == {}
        assert list(seen.after.gone) == [DISTURBED]
        assert seen.after.gone[DISTURBED].startswith(f"license {DISTURBED} page {page}: 404 not_found")
        _others_are_whole(seen)

    return Outcome(words=words, check=check)


def reads_as(words: str = "", **changes: Callable[[Any], Any]) -> Outcome:
    """By the field map the rows read as before, but for these columns."""

    def check(seen: Seen) -> None:
        assert seen.before.bodies != seen.after.bodies
        assert list(map(_values_of_license, seen.after.licenses)) == [
            _changed(_values_of_license(row), changes) for row in seen.before.licenses
        ]
        assert list(map(_values, seen.after.all_rows)) == [
            _changed(_values(row), changes) for row in seen.before.all_rows
        ]

    return Outcome(words=words or ("every row, as it is" if changes else "every row"), check=check)


def answered(status: int, least: int = 1) -> Callable[[Seen], bool]:
    return lambda seen: seen.counters["by_status"].get(str(status), 0) >= least


def every_body(text: str) -> Callable[[Seen], bool]:
    return lambda seen: all(text.encode() in body for body in seen.after.bodies)


def some_body(text: str) -> Callable[[Seen], bool]:
    return lambda seen: any(text.encode() in body for body in seen.after.bodies)


def was_throttled(seen: Seen) -> bool:
    return seen.counters["throttled"] >= 2 and len(seen.after.blocks) == seen.counters["throttled"]


def tells_life_as_text(seen: Seen) -> bool:
    connection = seen.simulator.connection()
    form = {
        "grant_type": "client_credentials",
        "client_id": connection["login"],
        "client_secret": connection["password"],
    }
    answer = requests.post(connection["extra"]["token_url"], data=form, timeout=10)
    return answer.json()["expires_in"] == "3600"


def issued(least: int) -> Callable[[Seen], bool]:
    return lambda seen: seen.counters["tokens_issued"] >= least


def page_count(count: int) -> Callable[[Seen], bool]:
    return lambda seen: len(seen.after.bodies) == count


def _nothing_is_altered(seen: Seen) -> None:
    assert seen.after.failed == seen.after.gone == {}
    assert seen.after.licenses == seen.before.licenses
    assert seen.after.rows == seen.before.rows
    assert sum(map(len, seen.after.rows.values())) > 0


def _others_are_whole(seen: Seen) -> None:
    others = [license_id for license_id in seen.before.license_ids if license_id != DISTURBED]
    assert others
    for license_id in others:
        assert seen.after.rows[license_id] == seen.before.rows[license_id]


def _some_twice(seen: Seen) -> None:
    for license_id, rows in seen.before.rows.items():
        pages = len(seen.after.pages[license_id])
        assert len(seen.after.rows[license_id]) == len(rows) + 2 * (pages - 1)
        assert set(map(_text, seen.after.rows[license_id])) == set(map(_text, rows))


def _fewer(seen: Seen) -> None:
    assert seen.after.failed == {}
    assert seen.after.licenses == seen.before.licenses
    for license_id, rows in seen.before.rows.items():
        assert Counter(map(_text, seen.after.rows[license_id])) <= Counter(map(_text, rows))
    assert len(seen.after.rows[DISTURBED]) < len(seen.before.rows[DISTURBED])


def _in_another_order(seen: Seen) -> None:
    assert seen.after.failed == {}
    for license_id, rows in seen.before.rows.items():
        assert seen.after.rows[license_id] != rows
        assert Counter(map(_text, seen.after.rows[license_id])) == Counter(map(_text, rows))


def _other_totals(seen: Seen) -> None:
    assert seen.after.rows == seen.before.rows
    assert [row["compliance"]["consumedEntitlementCount"] for row in seen.after.licenses] == [
        row["compliance"]["consumedEntitlementCount"] + 1 for row in seen.before.licenses
    ]


def _last_license_is_new(seen: Seen) -> None:
    assert seen.after.licenses == seen.before.licenses[:-1]
    assert seen.after.rows == {
        license_id: seen.before.rows[license_id] for license_id in seen.after.license_ids
    }
    assert seen.after.failed == {}


def _no_rows(seen: Seen) -> None:
    assert seen.after.failed == {}
    assert seen.after.rows[DISTURBED] == []
    assert seen.after.licenses == seen.before.licenses
    _others_are_whole(seen)


def _a_hundred_thousand(seen: Seen) -> None:
    (rows,) = seen.after.rows.values()
    assert len({row["device"]["id"] for row in rows}) == len(rows) == 100_000


def _figures_agree(seen: Seen) -> None:
    totals = seen.simulator.totals()["licenses"]
    assert set(seen.after.rows) == set(totals)
    types = {str(row["id"]): row["type"] for row in seen.after.licenses}
    gaps: dict[str, list[Decimal]] = {}
    for license_id, rows in seen.after.rows.items():
        charges = [row["chargeback"] for row in rows]
        recharged = sum((Decimal(charge["consumption"]) for charge in charges), Decimal(0))
        assert recharged == Decimal(totals[license_id]["recharged_consumption"])
        assert sum(Decimal(charge["cost"] or 0) for charge in charges) == Decimal(
            totals[license_id]["recharged_cost"]
        )
        gaps.setdefault(types[license_id], []).append(recharged - Decimal(totals[license_id]["consumed"]))
    assert max(gaps["Oracle Processor"]) > 0
    assert min(gaps["IBM PVU"]) < 0
    assert len(gaps) > 20


def _rows_in_tiers_exceed(seen: Seen) -> None:
    totals = seen.simulator.totals()["licenses"]
    for license_ in seen.after.licenses:
        charges = [row["chargeback"] for row in seen.after.rows[str(license_["id"])]]
        recharged = sum((Decimal(charge["consumption"]) for charge in charges), Decimal(0))
        excess = recharged - Decimal(totals[str(license_["id"])]["recharged_consumption"])
        assert (excess > 0) == (license_["type"] == "IBM RVU"), license_["name"]
        assert excess >= 0


def _a_cent_more(seen: Seen) -> None:
    cent = Decimal("0.01")
    assert [row["chargeback"]["cost"] for row in seen.after.all_rows] == [
        row["chargeback"]["cost"] + cent for row in seen.before.all_rows
    ]


def _one_right_more(seen: Seen) -> None:
    assert [row["overriddenConsumption"] for row in seen.after.all_rows] == _recharged(seen.after)
    assert _recharged(seen.after) == [quantity + 1 for quantity in _recharged(seen.before)]


def _two_percent_more(seen: Seen) -> None:
    assert _recharged(seen.after) == [quantity * Decimal("1.02") for quantity in _recharged(seen.before)]


def _recharged(night: Any) -> list[Decimal]:
    return [row["chargeback"]["consumption"] for row in night.all_rows]


def _names_nobody(seen: Seen) -> None:
    assert seen.after.all_rows == [row | {"device": None, "user": None} for row in seen.before.all_rows]


def _reads_the_readable(seen: Seen) -> None:
    assert seen.after.licenses == seen.before.licenses
    readable, reasons = [], Counter[str]()
    for before, after in zip(seen.before.all_rows, seen.after.all_rows, strict=True):
        last_digit = (before["device"] or before["user"])["id"] % 10
        if last_digit in (0, 5):
            with pytest.raises(UnreadableRow) as caught:
                FIELD_MAP.consumption(after)
            reasons[str(caught.value)] += 1
        else:
            readable.append(_values(after) == _values(before))
    assert all(readable)
    assert set(reasons) == {
        "recharged_cost: '1.000,00' is not a number",
        "device_id: device is text where an object is expected",
    }


def _reads_structured_licenses(seen: Seen) -> None:
    _others_are_whole(seen)
    assert all({"rules", "restrictions", "applications"} <= row.keys() for row in seen.after.licenses)
    assert list(map(_values_of_license, seen.after.licenses)) == list(
        map(_values_of_license, seen.before.licenses)
    )


def _no_charge_back_figures(seen: Seen) -> None:
    rows = seen.after.rows[DISTURBED]
    consumption, cost = sorted(FIELD_MAP.missing_required("consumption", rows))
    assert consumption.startswith("recharged_consumption (chargeback.consumption or ")
    assert cost.startswith("recharged_cost (chargeback.cost or ")
    _others_are_whole(seen)


def _no_license_name(seen: Seen) -> None:
    assert FIELD_MAP.missing_required("license", seen.after.licenses) == [
        "license_name (name or licenseName)"
    ]


def _goes_in_circles(seen: Seen) -> None:
    """Each license fails at the page that would have been read for a second time."""
    assert set(seen.after.failed) == set(seen.before.license_ids)
    for license_id, error in seen.after.failed.items():
        assert type(error) is PagingError
        assert "nextPage leads back to a page already read" in str(error)
        assert len(seen.after.pages[license_id]) <= 2 * len(seen.before.pages[license_id])


def _reads_empty_dates(seen: Seen) -> None:
    _others_are_whole(seen)
    assert [row["expiryDate"] for row in seen.after.licenses] == [""] * len(seen.before.licenses)
    assert [_values_of_license(row)["expires_on"] for row in seen.after.licenses] == [None] * len(
        seen.before.licenses
    )


def _reads_unknown_type(seen: Seen) -> None:
    assert seen.after.rows == seen.before.rows
    assert {_values_of_license(row)["license_type"] for row in seen.after.licenses} == {"Quantum Core Hours"}


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def _values(row: Row) -> dict[str, Any]:
    line = FIELD_MAP.consumption(row)
    return dict(zip(LINE_COLUMNS, line.values, strict=True)) | {
        "products": line.products,
        "instances": line.instances,
    }


def _values_of_license(row: Row) -> dict[str, Any]:
    return FIELD_MAP.license(row)


def _changed(values: dict[str, Any], changes: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return values | {name: changes[name](value) for name, value in values.items() if name in changes}


def _odd(name: str | None) -> str | None:
    return name and f'=SUM(A1;"x"), O\'Brien\n李 😀 {name}'


def _of_three(number: str | None) -> str | None:
    return number and str(int(number) % 3 + 1)


def _to(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


_NONE = _to(None)
_GROUPS = {
    f"{whose}_{group}": _NONE
    for whose in ("device", "user")
    for group in ("location", "cost_center", "corporate_unit")
}
_HOSTS = {
    f"{what}_{column}": _NONE
    for what in ("host", "cluster")
    for column in ("id", "name", "cores", "installed_cores", "consuming_cores")
}
_NAMES = ("license_name", "publisher", "device_name", "user_name", "host_name", "cluster_name")

OUTCOMES: dict[str, Outcome] = {
    "expires_in_as_text": whole(tells_life_as_text),
    "short_tokens": whole(issued(3)),
    "account_revoked": list_refused(AccessDenied, "access token: 401 unauthorized"),
    "grant_refused": list_refused(AccessDenied, "access token: 400 bad_request"),
    "token_ends_between_pages": whole(answered(401)),
    "clock_skew": whole(answered(401, least=2)),
    "wrong_zone": list_refused(AccessDenied, "license list page 1: 401 unauthorized"),
    "no_role": list_refused(AccessDenied, "license list page 1: 403 forbidden"),
    "license_forbidden": refused(AccessDenied, "403 forbidden", page=1),
    "forbidden_while_read": refused(AccessDenied, "403 forbidden"),
    "unauthorized_while_read": refused(AccessDenied, "401 unauthorized"),
    "restricted_account": other("fewer rows; the license's total shows it", _fewer),
    "busy_login": whole(lambda seen: seen.counters["token_requests"] == 3),
    "login_down": list_refused(ServiceBusy, "access token: 503"),
    "throttled": whole(was_throttled),
    "throttled_without_advice": whole(was_throttled),
    "throttled_for_hours": whole(lambda seen: was_throttled(seen) and set(seen.after.blocks) == {60.0}),
    "throttled_until_a_date": whole(was_throttled),
    "throttled_always": refused(ServiceBusy, "429 too_many_requests", page=1),
    "other_integration": whole(
        lambda seen: was_throttled(seen) and seen.counters["other_requests"] >= 20, settings={"page_size": 5}
    ),
    "next_page_null": whole(some_body('"nextPage":null')),
    "next_page_empty": whole(some_body('"nextPage":""')),
    "next_page_absolute": whole(some_body('"nextPage":"http://127.0.0.1')),
    "next_page_foreign": chain_refused("nextPage leads to localhost:", page=1),
    "next_page_same": chain_refused("nextPage leads back to a page already read", page=2),
    "next_page_circle": Outcome(words="`PagingError` for each license", check=_goes_in_circles),
    "limit_ignored": whole(page_count(10), extra={"page_size": 1000}),
    "empty_pages": whole(page_count(30)),
    "odd_cursors": whole(some_body("skipToken=%C3%A9%20%26%23%25")),
    "raw_cursors": whole(some_body("skipToken=500001|40|")),
    "cursor_expires": refused(PagingError, "400 bad_request"),
    "licenses_in_an_envelope": whole(lambda seen: seen.after.list_pages[0].startswith(b'{"values"')),
    "licenses_in_pages": whole(lambda seen: len(seen.after.list_pages) == 3),
    "consumption_as_an_array": whole(lambda seen: all(body.startswith(b"[") for body in seen.after.bodies)),
    "rows_repeated": other("every row, some twice", _some_twice),
    "rows_missed": other("fewer rows; the license's total shows it", _fewer),
    "totals_change": other("every row, the totals of that look", _other_totals),
    "other_row_order": other("every row", _in_another_order),
    "one_row_a_page": whole(page_count(300)),
    "great_pages": whole(page_count(3)),
    "license_deleted": gone(page=1),
    "license_deleted_while_read": gone(page=2),
    "consumption_not_found": gone(page=1, words="`EndpointMissing` for that license"),
    "license_created_late": other("every row of the licenses on the list", _last_license_is_new),
    "consumed_without_rows": other("no row of that license", _no_rows),
    "many_rows": other("every row", _a_hundred_thousand, page_count(10)),
    "numbers_as_text": reads_as(),
    "bracketed_enums": reads_as(),
    "extra_fields": reads_as(),
    "missing_optional": reads_as(
        **_GROUPS,
        **dict.fromkeys(
            ("cores", "host_cores", "cluster_cores", "consuming_installations", "host_consumption"), _NONE
        ),
        **dict.fromkeys(("edition", "version", "expires_on", "purchased", "consumed"), _NONE),
        products=_to([]),
        instances=_to([]),
    ),
    "empty_dates": other("every row", _reads_empty_dates),
    "null_members": reads_as(**_GROUPS, **_HOSTS, cost_per_right=_NONE),
    "odd_names": reads_as(
        **dict.fromkeys(_NAMES, _odd),
        products=lambda products: [(_odd(name), is_supplementary) for name, is_supplementary in products],
        instances=lambda names: [_odd(name) for name in names],
    ),
    "odd_quantities": reads_as(
        machine_consumption=_to(Decimal("-0.125")),
        recharged_consumption=_to(Decimal("-0.125")),
        cost_per_right=_to(Decimal(0)),
        recharged_cost=_to(Decimal(0)),
    ),
    "unknown_type": other("every row, as it is", _reads_unknown_type),
    "groups_as_objects": reads_as(),
    "contradicting_rows": reads_as(device_id=_of_three, user_id=_of_three),
    "several_rows": reads_as(
        **_GROUPS,
        **_HOSTS,
        **dict.fromkeys(
            ("device_name", "device_type", "user_name", "cores", "capped_cores", "processors"), _NONE
        ),
        **dict.fromkeys(("host_processors", "points_per_core"), _NONE),
        device_id=_of_three,
        user_id=_of_three,
    ),
    "twin_names": reads_as(
        device_name=lambda name: name and "same-name", instances=lambda names: [*names, *names]
    ),
    "overridden": other("every row, as it is", _one_right_more),
    "allocated_without_install": reads_as(is_allocated=_to(True), consuming_installations=_to(Decimal(0))),
    "peak_on_rows": other("every row, as it is", _two_percent_more),
    "nobody_named": other("every row, as it is", _names_nobody),
    "unreadable_cells": reads_as(
        "every row, these cells empty",
        **dict.fromkeys(("cores", "consuming_installations", "host_consumption", "recharge_approach"), _NONE),
        **dict.fromkeys(("purchased", "expires_on", "license_status", "version"), _NONE),
        products=lambda products: [(name, None) for name, _ in products],
    ),
    "unreadable_rows": other("every row that can be read", _reads_the_readable),
    "structured_licenses": other("every row", _reads_structured_licenses),
    "required_field_missing": other("`PayloadChanged` for that license", _no_charge_back_figures),
    "license_name_missing": other("`PayloadChanged`, nothing is read", _no_license_name),
    "every_license_type": other("every row", _figures_agree),
    "tiers_on_rows": other("every row, as it is", _rows_in_tiers_exceed),
    "wrong_costs": other("every row, as it is", _a_cent_more),
    **{f"{kind}_errors": whole(answered(504)) for kind in ("json", "html", "empty")},
    "json_errors_five_times": whole(answered(502, least=5)),
    "html_errors_five_times": whole(answered(503, least=5)),
    "empty_errors_five_times": whole(answered(504, least=5)),
    "json_errors_always": refused(ServiceBusy, "502 bad_gateway", sign=answered(502, least=6)),
    "html_errors_always": refused(ServiceBusy, "503.", sign=answered(503, least=6)),
    "empty_errors_always": refused(ServiceBusy, "504.", sign=answered(504, least=6)),
    "goa_errors": whole(answered(503)),
    "errors_as_plain_json": whole(answered(503)),
    "lasting_error": refused(RequestRefused, "500 internal_error"),
    "slow_page": whole(),
    "slow_page_always": refused(ConnectionLost, "no whole answer within"),
    "slow_headers": whole(),
    "stalled_body": whole(),
    "stalled_before_the_end": whole(),
    "trickling_body": refused(ConnectionLost, "no whole answer within"),
    "reset": whole(),
    "reset_always": refused(ConnectionLost, "no whole answer: "),
    "truncated_json": whole(),
    "truncated_json_always": refused(PayloadChanged, "the answer is not JSON ("),
    "length_too_great": whole(),
    "length_too_small": whole(),
    "no_gzip": whole(),
    "gzip_cut": whole(),
    "gzip_false": whole(),
    "maintenance_page": whole(),
    "maintenance_page_always": refused(ServiceBusy, "200 with 90 bytes of text/html"),
    "login_page": whole(),
    "error_in_200": whole(),
    "error_in_200_always": refused(ServiceBusy, "200 with an error in it: 200 internal_error (id odd-200)"),
    "redirect_301": refused(RequestRefused, "301 to host localhost, not followed"),
    "redirect_303": refused(RequestRefused, "303 to host localhost, not followed"),
    "redirect_on_the_host": refused(RequestRefused, "301 to another address, not followed"),
    "login_redirected": list_refused(RequestRefused, "access token: 303"),
    "read_only": whole(),
    "reads_refused": refused(RequestRefused, "405 method_not_allowed", page=1),
}
