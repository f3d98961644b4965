"""Each reason of the closed list arises on a night of the simulator, and of several the first is given."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

import pytest
from released_warehouse import Warehouse, catalog_with, night
from sqlalchemy.engine import make_url

from chargeback.warehouse.scripts import SQL_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexera_simulator.testing import RunningSimulator

STAND_ALONE = "Oracle Database Enterprise Edition, stand-alone servers"
GROUPED = "oracle_processor.device.group_rounding.v1"
TIERED = "ibm_rvu.tiers.resources.v1"
NAMED_USERS = "Visual Studio Enterprise"

Reasons = dict[str | None, int]


@pytest.fixture
def reasons(warehouse_url: str, simulator: RunningSimulator) -> Callable[..., Reasons]:
    """Charges by reason of a license on a night on which the simulator behaves as given."""
    today = datetime.datetime.now(datetime.UTC).date()
    warehouse = Warehouse(make_url(warehouse_url))

    def of(license_name: str, methods: list[str] | None = None, **settings: Any) -> Reasons:
        simulator.reset()
        simulator.set(date=today, requests_per_minute=0, **settings)
        night(
            warehouse,
            simulator,
            today,
            "api",
            catalog=catalog_with(methods) if methods else None,
            license_names=[license_name],
            allowed_gap_percent=100,
        )
        return dict(warehouse.rows("select delta_reason, count(*) from bi.chargeback group by 1"))

    return of


# The reason, the license of the demo tenant, and under which conditions its night is read and derived.
@pytest.mark.parametrize(
    ("reason", "license_name", "conditions"),
    [
        ("rule_unknown", "Visio Professional", {"forms": ["unknown_type"]}),
        ("override", "Visio Professional", {"forms": ["overridden"]}),
        ("allocation_without_install", "Visio Professional", {"forms": ["allocated_without_install"]}),
        ("oracle_rounding", STAND_ALONE, {"methods": [GROUPED]}),
        ("pvu_peak_vs_current", "IBM MQ Advanced", {"forms": ["peak_on_rows"]}),
        ("access_filter", "Oracle WebLogic Suite", {"visible_percent": 60}),
        ("tier", "IBM Tivoli Monitoring", {"methods": [TIERED], "forms": ["tiers_on_rows"]}),
        ("key_missing", "IBM SPSS Statistics", {}),
        ("owner_unallocated", "SQL Server Standard", {"forms": ["nobody_named"]}),
        ("price_missing", "Visio Professional", {"forms": ["null_members"]}),
        ("unexplained", "Visio Professional", {"forms": ["odd_quantities"]}),
        ("unexplained", "IBM Tivoli Monitoring", {"forms": ["odd_quantities"]}),
        ("unexplained", "SQL Server Standard", {"methods": [TIERED]}),
    ],
)
def test_a_reason_arises_from_what_the_api_answers(
    reasons: Callable[..., Reasons],
    reason: str,
    license_name: str,
    conditions: dict[str, Any],
) -> None:
    found = reasons(license_name, **conditions)

    assert found.get(reason, 0) > 0, found
    assert set(found) <= {reason, None}, found


@pytest.mark.parametrize(
    ("first", "license_name", "conditions"),
    [
        ("rule_unknown", "Visio Professional", {"forms": ["unknown_type", "overridden"]}),
        ("override", "Visio Professional", {"forms": ["overridden", "allocated_without_install"]}),
        ("override", STAND_ALONE, {"methods": [GROUPED], "forms": ["overridden"]}),
        ("override", "IBM SPSS Statistics", {"forms": ["overridden"]}),
        (
            "allocation_without_install",
            "SAP S/4HANA Professional User",
            {"forms": ["allocated_without_install"]},
        ),
        ("oracle_rounding", STAND_ALONE, {"methods": [GROUPED], "forms": ["null_members"]}),
        ("key_missing", "IBM SPSS Statistics", {"methods": ["fixed_amount.configured.v1"]}),
        ("unexplained", "Visio Professional", {"forms": ["odd_quantities", "null_members"]}),
    ],
)
def test_of_several_reasons_the_first_is_given(
    reasons: Callable[..., Reasons],
    first: str,
    license_name: str,
    conditions: dict[str, Any],
) -> None:
    assert first in reasons(license_name, **conditions)


@pytest.mark.parametrize(
    ("reason", "license_name", "conditions"),
    [
        ("override", "Visio Professional", {"forms": ["overridden"]}),
        ("access_filter", "Oracle WebLogic Suite", {"visible_percent": 60}),
    ],
)
def test_a_license_differs_by_what_its_rows_differ_by(
    warehouse_url: str,
    reasons: Callable[..., Reasons],
    reason: str,
    license_name: str,
    conditions: dict[str, Any],
) -> None:
    reasons(license_name, **conditions)
    warehouse = Warehouse(make_url(warehouse_url))

    [(found, residue)] = warehouse.rows("select residue_reason, residue from bi.license_position")
    [(delta,)] = warehouse.rows("select sum(delta) from bi.explanation")
    assert (found, residue) == (reason, -delta)


def test_a_named_user_owes_what_is_allocated_used_or_not(reasons: Callable[..., Reasons]) -> None:
    found = reasons(NAMED_USERS, forms=["allocated_without_install"])

    assert set(found) == {None}, found


def test_a_license_that_no_method_fits_is_flagged_for_a_person(
    warehouse_url: str, reasons: Callable[..., Reasons]
) -> None:
    reasons("Visio Professional", forms=["odd_quantities"])
    warehouse = Warehouse(make_url(warehouse_url))

    [(needs_review,)] = warehouse.rows("select needs_review from bi.method_fit where is_chosen")
    [(is_passed,)] = warehouse.rows(
        "select is_passed from ops.check_results where check_name = 'deltas_are_explained'"
    )
    assert (needs_review, is_passed) == (True, False)


def test_the_list_is_closed_and_in_the_order_of_the_rules(warehouse_url: str) -> None:
    warehouse = Warehouse(make_url(warehouse_url))
    listed = [
        row[0] for row in warehouse.rows("select delta_reason from bi.delta_reason order by precedence")
    ]
    text = (SQL_FOLDER / "mart" / "fct_chargeback.sql").read_text(encoding="utf-8")
    given = re.findall(r"then '(\w+)'", text)

    assert set(given) == set(listed)
    # Reasons for a cost alone stand first in the file: a quantity that differs never comes to them.
    of_quantities = list(dict.fromkeys(reversed(given)))[::-1]
    assert [reason for reason in of_quantities if reason != "price_missing"] == [
        reason for reason in listed if reason != "price_missing"
    ]


def test_every_reason_says_what_it_means_and_what_to_do(warehouse_url: str) -> None:
    warehouse = Warehouse(make_url(warehouse_url))

    for reason, meaning, remedy in warehouse.rows(
        "select delta_reason, meaning, remedy from bi.delta_reason"
    ):
        assert meaning.endswith("."), reason
        assert remedy.endswith("."), reason
