"""A service account that lost rights is answered with fewer rows and no error; that night is not published."""

from __future__ import annotations

import pytest

ORACLE = {"publishers": ["Oracle"]}


@pytest.fixture(scope="module")
def full_night(nightly):
    """What the whole tenant was charged."""
    assert nightly.run(**ORACLE).state == "success"
    return nightly.published()


def test_a_tenant_that_lost_rows_stops_before_anything_is_built(nightly, full_night) -> None:
    nightly.simulator.set(visible_percent=60)

    run = nightly.run(**ORACLE)

    assert run.state == "failed"
    assert run.failed_tasks == {"check_staging"}
    assert "tenant_has_not_shrunk" in nightly.last_failure()
    assert "lost rights" in nightly.last_failure()
    assert "allowed_shrink_percent 39" in nightly.last_failure()
    assert nightly.published() == full_night


def test_the_rows_that_are_missing_from_its_licenses_stop_it_too(nightly, full_night) -> None:
    run = nightly.run(**ORACLE, source="raw", allowed_shrink_percent=45)

    assert run.failed_tasks == {"check_star"}
    assert "gap_is_allowed" in nightly.last_failure()
    assert "allowed_gap_percent" in nightly.last_failure()
    assert nightly.published() == full_night


def test_one_that_is_right_is_published_from_the_pages_already_read(nightly, full_night) -> None:
    before = nightly.simulator.api_request_count()

    run = nightly.run(**ORACLE, source="raw", allowed_shrink_percent=45, allowed_gap_percent=100)

    assert run.state == "success"
    assert nightly.simulator.api_request_count() == before
    assert nightly.value("select count(*) from bi.chargeback") < len(full_night["chargeback"]) * 0.7


def test_the_next_night_is_compared_with_the_smaller_one(nightly, full_night) -> None:
    assert nightly.run(**ORACLE, allowed_gap_percent=100).state == "success"
