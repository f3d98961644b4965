"""What is raised of the licenses of a task that failed, each for its own reason."""

from __future__ import annotations

import pytest

from chargeback.errors import AccessDenied, ChargebackError, ServiceBusy
from chargeback.steps.extract import _raise

DENIED = AccessDenied("license 1: denied. Ask for the role.")
BUSY = ServiceBusy("license 2: busy. Try later.")


def test_one_failure_is_raised_as_it_is() -> None:
    with pytest.raises(AccessDenied) as caught:
        _raise([DENIED])

    assert caught.value is DENIED


@pytest.mark.parametrize("failures", [[DENIED, BUSY], [BUSY, DENIED]])
def test_where_time_may_heal_one_failure_the_task_is_tried_again(failures: list[ChargebackError]) -> None:
    with pytest.raises(ServiceBusy, match="2 licenses failed, first: license 2: busy"):
        _raise(failures)
