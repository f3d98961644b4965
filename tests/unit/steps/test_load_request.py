"""What a run may be asked, and how it is told that it may not."""

from __future__ import annotations

from datetime import date

import pytest

from chargeback.errors import SettingsInvalid
from chargeback.steps.load_request import LoadRequest

TODAY = date(2026, 11, 24)
LOGICAL = date(2026, 11, 23)


def request(**params: object) -> LoadRequest:
    return LoadRequest.from_params(params, org_id="12345", today=TODAY, default_date=LOGICAL)


def test_a_run_without_params_builds_its_logical_date_from_the_best_source() -> None:
    made = request()

    assert made.snapshot_date == LOGICAL
    assert (made.source, made.on_license_failure) == ("auto", "fail")


def test_the_date_of_the_form_wins_over_the_logical_date() -> None:
    assert request(snapshot_date="2026-11-01").snapshot_date == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"snapshot_date": "24.11.2026"}, ["snapshot_date", "24.11.2026"], id="date not ISO"),
        pytest.param({"snapshot_date": "2026-11-25"}, ["2026-11-25", "today"], id="date to come"),
        pytest.param({"source": "file"}, ["source", "file", "auto, api, raw"], id="unknown source"),
        pytest.param(
            {"on_license_failure": "skip"}, ["on_license_failure", "keep_previous"], id="unknown policy"
        ),
        pytest.param(
            {"allowed_shrink_percent": 101}, ["allowed_shrink_percent", "101", "0 to 100"], id="percent"
        ),
        pytest.param({"allowed_shrink_percent": "a lot"}, ["'a lot'", "0 to 100"], id="percent in words"),
        pytest.param({"publisher": ["Oracle"]}, ["'publisher'", "publishers"], id="misspelled param"),
        pytest.param({"publishers": {"a": 1}}, ["publishers", "list"], id="object instead of a list"),
    ],
)
def test_a_wrong_param_is_named_with_what_it_may_be(params: dict, words: list[str]) -> None:
    with pytest.raises(SettingsInvalid) as error:
        request(**params)

    assert all(word in str(error.value) for word in words)


def test_all_wrong_params_are_told_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"source.*on_license_failure"):
        request(source="x", on_license_failure="y")


@pytest.mark.parametrize(
    ("snapshot_date", "asked_on", "is_present"),
    [
        (TODAY, None, True),
        (LOGICAL, None, False),
        (LOGICAL, LOGICAL, True),
        (date(2026, 11, 22), LOGICAL, False),
    ],
)
def test_the_api_answers_for_today_and_for_the_day_that_a_late_run_was_asked_for(
    snapshot_date: date, asked_on: date | None, is_present: bool
) -> None:
    made = LoadRequest(org_id="12345", snapshot_date=snapshot_date, today=TODAY, asked_on=asked_on)

    assert made.is_present is is_present


def test_a_partial_snapshot_is_allowed_in_so_many_words_only() -> None:
    assert request().allow_partial is False
    assert request(allow_partial=None).allow_partial is False
    assert request(allow_partial=True).allow_partial is True
    with pytest.raises(SettingsInvalid, match="allow_partial is 'yes'; it must be true or false"):
        request(allow_partial="yes")
