"""Whatever the lines, nothing is lost or gained on the way from line to fact to tree."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_nights import Nights

from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

ids = st.none() | st.sampled_from(["", " ", "1", "2", "3"])
names = st.none() | st.sampled_from(["a", "b", "=cmd", 'q"uote', "tab\tbed", "Zoë", "back\\slash", "%s"])
paths = st.none() | st.sampled_from(["", "/", "A", "A/B", " A //B/C ", "Unassigned/x", "ß/é/%(x)s"])
amounts = st.none() | st.decimals(
    min_value=-1000, max_value=100000, places=6, allow_nan=False, allow_infinity=False
)

lines = st.fixed_dictionaries(
    {
        "page_number": st.integers(min_value=1, max_value=3),
        "device_id": ids,
        "device_name": names,
        "device_type": st.sampled_from([None, "Virtual Machine", "VM Host", "Computer"]),
        "device_location": paths,
        "device_cost_center": paths,
        "device_corporate_unit": paths,
        "user_id": ids,
        "user_name": names,
        "user_location": paths,
        "user_cost_center": paths,
        "user_corporate_unit": paths,
        "host_id": ids,
        "host_name": names,
        "cluster_name": names,
        "host_consumption": amounts,
        "recharged_consumption": amounts,
        "recharged_cost": amounts,
        "products": st.lists(
            st.fixed_dictionaries(
                {"product_name": names, "is_supplementary": st.sampled_from([None, True, False])}
            ),
            max_size=3,
        ),
    }
)
licenses = st.lists(
    st.fixed_dictionaries(
        {
            "license_type": st.sampled_from([None, "Device", "Named User", "Quantum Seat"]),
            "consumed": amounts,
            "lines": st.lists(lines, max_size=8),
        }
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def session(module_warehouse_url: str) -> Iterator[Connection]:
    with Database.connect(module_warehouse_url).session() as connection:
        yield connection


@given(licenses=licenses)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_random_lines_keep_their_totals_through_facts_and_trees(
    session: Connection, licenses: list[dict[str, Any]]
) -> None:
    with session.begin() as transaction:
        nights = Nights(session)
        found = nights.run(
            {
                "allowed_gap_percent": 100,
                "licenses": [{**row, "license_id": str(number)} for number, row in enumerate(licenses)],
            }
        )

        assert set(found) <= {
            "rows_repeated_across_pages",
            "rows_differ",
            "rows_of_a_consumer_agree",
            "host_figures_agree",
            "rows_add_up_to_their_host",
            "deltas_are_explained",
            "rows_add_up_to_their_license",
            "figures_are_not_negative",
            "license_types_are_known",
            "currencies_are_known",
        }
        recharged = ("recharged_consumption", "recharged_cost")
        charged = totals(session, "intermediate.int_consumer_lines", *recharged)
        assert totals(session, "bi.chargeback", *recharged) == charged
        assert totals(session, "bi.license_position", *recharged) == charged
        assert totals(session, _joined("chargeback"), *recharged) == charged
        assert totals(session, _joined("license_position"), *recharged) == charged
        for level in ("vm", "host", "cluster"):
            assert totals(session, _joined(f"{level}_consumption"), *recharged) == totals(
                session, f"bi.{level}_consumption", *recharged
            )
        for tree in ("cost_center", "corporate_unit", "location"):
            view = f"bi.chargeback_by_{tree}"
            assert totals(session, view, "own_consumption", "own_cost") == charged
            assert totals(session, f"{view} where depth = 0", "total_consumption", "total_cost") == charged
        if "rows_repeated_across_pages" not in found:
            assert charged == tuple(
                sum((line[name] or Decimal(0) for row in licenses for line in row["lines"]), Decimal(0))
                for name in recharged
            )
        transaction.rollback()


DIMENSIONS = {
    "chargeback": [
        *("license", "publisher", "product", "consumer", "host", "cluster"),
        *("cost_center", "corporate_unit", "location"),
    ],
    "license_position": ["license", "publisher", "product"],
    "vm_consumption": ["license", "publisher", "consumer", "host", "cluster"],
    "host_consumption": ["license", "publisher", "host", "cluster"],
    "cluster_consumption": ["license", "publisher", "cluster"],
}


def _joined(fact: str) -> str:
    """A fact of bi with every one of its dimensions, as a BI tool joins them."""
    joins = [f"inner join bi.dim_{name} using ({name}_key)" for name in DIMENSIONS[fact]]
    return " ".join([f"bi.fact_{fact}", "inner join bi.dim_date using (snapshot_date)", *joins])


def totals(connection: Connection, source: str, *columns: str) -> tuple[Decimal, ...]:
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
    return tuple(execute(connection, f"select {sums} from {source.replace('%', '%%')}").one())
