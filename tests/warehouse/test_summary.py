"""What a person reads of a published load: its size, a figure for each currency, and every warning with its count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chargeback.steps import summary
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from warehouse_nights import Nights


def line(device: str, cost: int, currency: str | None = "EUR") -> dict[str, Any]:
    return {
        "device_id": device,
        "cost_per_right": cost,
        "recharged_consumption": 1,
        "recharged_cost": cost,
        "currency": currency,
    }


def license_(license_id: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    named = {"license_id": license_id, "license_name": f"License {license_id}", "license_type": "Device"}
    return {**named, "consumed": len(lines), "lines": lines, **more}


def told(nights: Nights, **night: Any) -> str:
    """The summary of a load of these licenses."""
    nights.run(night)
    execute(
        nights.connection,
        """
        update ops.loads
        set
            license_count = (select count(*) from mart.fct_license_positions where load_id = %(load_id)s),
            row_count = (select count(*) from mart.fct_chargeback where load_id = %(load_id)s)
        where load_id = %(load_id)s
        """,
        load_id=nights.load_id,
    )
    return summary.of_load(nights.connection, nights.load_id)


def test_a_load_without_a_warning_is_its_size_and_total(nights: Nights) -> None:
    assert told(nights, licenses=[license_("1", line("a", 617), line("b", 617))]) == (
        "Snapshot 2026-11-24 of organization 12345 (load 1): 1 license, 2 rows, 1,234.00 EUR. No warnings."
    )


def test_each_currency_has_a_figure_and_there_is_no_sum(nights: Nights) -> None:
    licenses = [
        license_("1", line("a", 1500)),
        license_("2", line("b", 9, "JPY")),
        license_("3", line("c", 7, None)),
    ]

    text = told(nights, licenses=licenses)

    assert "1,500.00 EUR + 9.00 JPY + 7.00 without a currency. " in text
    assert "1,509" not in text


def test_a_license_carried_forward_is_named_with_its_reason(nights: Nights) -> None:
    good = license_("2", line("b", 5))
    nights.run({"licenses": [license_("1", line("a", 10)), good]})
    failed = license_("1", extraction="failed", error="license 1 page 1: 403\n AccessDenied", consumed=1)

    text = told(nights, licenses=[failed, good], on_license_failure="keep_previous")

    assert "2 licenses, 2 rows, 15.00 EUR. " in text
    assert "1 license carried forward: License 1 (license 1 page 1: 403 AccessDenied)" in text
    assert text.endswith(" See bi.data_quality and ops.check_results.")


def test_rows_in_quarantine_and_failed_checks_are_counted(nights: Nights) -> None:
    unreadable = license_("1", line("a", 10), consumed=10, quarantined=3)
    unknown = license_("2", line("b", 5), license_type="Nobody knows")

    text = told(nights, licenses=[unreadable, unknown], allowed_gap_percent=100)

    assert "3 rows of 1 license could not be read and are charged to nobody: not a number" in text
    assert "license_types_are_known: 1 row" in text
    assert "quarantine_is_empty" not in text, "told already"
    assert int(text.partition(" warnings: ")[0].rpartition(" ")[2]) == text.count("; ") + 1


@pytest.mark.parametrize(("run_id", "is_told"), [("manual", True), ("another", False)])
def test_the_summary_of_a_run_is_that_of_what_it_published(
    nights: Nights, run_id: str, is_told: bool
) -> None:
    told(nights, licenses=[license_("1", line("a", 10))])

    assert (summary.of_run(nights.connection, run_id) is not None) is is_told
