"""What the maintenance may be asked to keep, and how it is told that it may not."""

from __future__ import annotations

import pytest

from chargeback.errors import SettingsInvalid
from chargeback.steps.retention import RetentionPolicy


def test_a_run_without_params_keeps_the_stated_defaults() -> None:
    policy = RetentionPolicy.from_params({"raw_days": None})

    assert (policy.raw_days, policy.superseded_days, policy.keep_month_ends) == (90, 7, True)


def test_all_wrong_params_are_told_at_once() -> None:
    params = {"raw_days": 0, "superseded_days": "7", "keep_month_ends": 1, "until": "now"}

    with pytest.raises(SettingsInvalid) as error:
        RetentionPolicy.from_params(params)

    for words in ("'until' is not a param", "raw_days is 0", "superseded_days is '7'", "true or false"):
        assert words in str(error.value)
