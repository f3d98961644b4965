"""The reckoning behind `make sizing`, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_runtime import sizing
from local_runtime.problem import Problem
from local_runtime.sizing import Tenant

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sizing.md"
COSTS = {
    "bytes": {
        f"{layer} {part}": {"per_load": 100, "per_license": 10, "per_row": 1}
        for layer in ("staging", "ops", "intermediate", "mart", "dimensions")
        for part in ("tables", "indexes")
    },
    "rows_per_second": {"extract": 1, "flatten": 50, "build_star": 100},
}


def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert sizing.main("", "", "") == 0

    assert capsys.readouterr().out in PAGE.read_text(encoding="utf-8")


def test_each_layer_is_kept_as_long_as_the_maintenance_keeps_it() -> None:
    found = sizing.sizing(Tenant(licenses=2, rows=30), COSTS)

    one = 100 + 2 * 10 + 30
    assert (found.raw, found.intermediate, found.mart, found.indexes, found.once) == (
        4 * one,
        2 * one,
        one,
        one,
        2 * one,
    )
    assert found.disk == pytest.approx(1.3 * (4 * one * 100 + 2 * one * 7 + 2 * one * 395 + 2 * one))


def test_reading_follows_the_request_limit_and_building_the_rows() -> None:
    found = sizing.sizing(Tenant(licenses=99, rows=6_000, page_size=60), COSTS)

    assert found.tenant.requests == 1 + 99 + 100
    assert found.minutes_reading == pytest.approx(200 * 1.224 / 60)
    assert found.minutes_building == pytest.approx((6_000 / 50 + 6_000 / 100) / 60)


def test_the_requests_that_were_measured_are_not_more_than_reckoned() -> None:
    sent = sizing.unit_costs()["requests"]
    tenant = Tenant(sent["licenses"], sent["rows"], sent["page_size"])

    assert 0.8 * tenant.requests <= sent["sent"] <= tenant.requests


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("many", "", ""), "LICENSES must be a whole number above 0, not 'many'"),
        (("0", "", ""), "LICENSES must be"),
        (("10", "-5", ""), "ROWS must be"),
        (("", "500", ""), "ROWS needs LICENSES"),
    ],
)
def test_a_wrong_number_is_told(given: tuple[str, str, str], complaint: str) -> None:
    with pytest.raises(Problem, match=complaint):
        sizing.main(*given)
