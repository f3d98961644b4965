"""Put licenses of examples into the tables the rules read, run the rules, and read what they made of them."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from chargeback.examples.cases import License, Node, Result, method
from chargeback.methods import TERM_COLUMNS, term
from chargeback.warehouse import recharge
from chargeback.warehouse.database import Database, copy_rows, execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

_NODE_COLUMNS = (
    "node_id",
    "node_type",
    "parent_node_id",
    "host_node_id",
    "cluster_node_id",
    "cores",
    "capped_cores",
    "threads",
    "sockets",
    "socket_cores",
    "processor_type",
    "points_per_core",
    "core_factor",
    "users",
    "account_id",
    "installations",
    "has_installation",
    "is_allocated",
    "is_eligible_for_sub_capacity",
    "is_cloud",
    "is_hyperthreaded",
    "allocation_weight",
)
_PRICE_COLUMNS = (
    "cost_per_right",
    "financial_tab_amount",
    "override_unit_price",
    "last_purchase_unit_price",
    "purchase_total_price",
    "purchase_quantity",
    "quantity_per_unit",
    "term_months",
    "currency",
    "currency_scale",
)
# Digits at the end of a share in which equal shares may differ.
_UNSETTLED = 2
_CUT = "__cut__"
_TOGETHER = {"unallocated": "__unallocated__", "rounding": "__rounding__"}


class World:
    """A load that no one will see: what is worked out in it is rolled back with it."""

    def __init__(self, connection: Connection, load_id: int) -> None:
        self._connection = connection
        self._parameters = {"load_id": load_id, "snapshot_date": date(2000, 1, 1), "org_id": "examples"}
        self._load_id = load_id

    @classmethod
    @contextmanager
    def of(cls, database: Database) -> Iterator[World]:
        """A world in a transaction of its own; nothing of it stays."""
        with database.session() as connection:
            load_id = execute(
                connection, "select nextval(pg_get_serial_sequence('ops.loads', 'load_id'))"
            ).scalar_one()
            execute(
                connection, "select ops.ensure_partitions(%(load_id)s, '2000-01-01'::date)", load_id=load_id
            )
            yield cls(connection, load_id)
            connection.rollback()

    def results(self, licenses: Sequence[License]) -> list[Result]:
        """What the rules make of the licenses, in their order; the tables are left as they were found.

        Shares are settled as in the nightly run, with more decimals where the example says how many it wants, and
        rounded to those at the end.
        """
        results = self._worked_out(licenses)
        coarse = [number for number, license_ in enumerate(licenses) if license_.is_coarse]
        rounding = [_rounding(licenses[number], results[number]) for number in coarse]
        for number, rounded in zip(coarse, self._worked_out(rounding), strict=True):
            shares = {name: share for name, share in rounded.shares.items() if name != _CUT}
            results[number] = replace(results[number], shares=shares)
        return results

    def _worked_out(self, licenses: Sequence[License]) -> list[Result]:
        if not licenses:
            return []
        with self._connection.begin_nested() as savepoint:
            for number, license_ in enumerate(licenses, start=1):
                self._land(number, license_)
            recharge.run(self._connection, self._parameters, all_shares=True)
            results = self._read(licenses)
            savepoint.rollback()
        return results

    def _land(self, number: int, license_: License) -> None:
        license_id = str(number)
        row = dict(
            zip(TERM_COLUMNS, term(self._load_id, number, license_id, license_.method, None), strict=True)
        )
        row |= {"license_quantity": license_.quantity, "share_scale": license_.share_scale}
        if license_.tiers is not None:
            row["tier_list"] = f"example {number}"
            self._insert_tiers(row["tier_list"], license_.tiers)
        self._copy("int_license_terms", TERM_COLUMNS, [row])
        self._copy("int_capacity_nodes", _NODE_COLUMNS, license_.nodes, license_id)
        if license_.price:
            self._copy("int_price_sources", _PRICE_COLUMNS, [license_.price], license_id)

    def _copy(
        self, table: str, columns: Sequence[str], rows: Sequence[Any], license_id: str | None = None
    ) -> None:
        own = () if license_id is None else (self._load_id, license_id)
        names = () if license_id is None else ("load_id", "license_id")
        copy_rows(
            self._connection,
            f"intermediate.{table}",
            (*names, *columns),
            [(*own, *(_field(row.get(column)) for column in columns)) for row in rows],
        )

    def _insert_tiers(self, tier_list: object, tiers: Sequence[tuple[Decimal | None, Decimal]]) -> None:
        copy_rows(
            self._connection,
            "mart.consumption_tiers",
            ("tier_list", "tier_number", "up_to", "factor", "source", "as_of"),
            [
                (tier_list, number, *tier, "example", date(2000, 1, 1))
                for number, tier in enumerate(tiers, start=1)
            ],
        )

    def _read(self, licenses: Sequence[License]) -> list[Result]:
        quantities: dict[int, dict[str, Any]] = defaultdict(dict)
        shares: dict[int, dict[str, Any]] = defaultdict(dict)
        prices: dict[int, Any] = {}
        for row in self._rows(
            "int_recharge_quantities", "term_number", "node_id", "counted", "capacity", "quantity"
        ):
            quantities[row["term_number"]][row["node_id"]] = row
        for row in self._rows(
            "int_recharge_shares",
            "term_number",
            "node_id",
            "node_type",
            "derived_consumption",
            "derived_cost",
        ):
            shares[row["term_number"]][row["node_id"]] = row
        for row in self._rows("int_license_prices", "*"):
            prices[int(row["license_id"])] = row
        return [
            _result(license_.nodes, quantities[number], shares[number], prices.get(number))
            for number, license_ in enumerate(licenses, start=1)
        ]

    def _rows(self, table: str, *columns: str) -> Sequence[Any]:
        statement = f"select {', '.join(columns)} from intermediate.{table} where load_id = %(load_id)s"  # noqa: S608
        return execute(self._connection, statement, load_id=self._load_id).mappings().all()


def _rounding(license_: License, result: Result) -> License:
    """A license whose consumption is shared by the shares of another, at the decimals the example wants.

    The last digits of a share hang on the order in which its layers were settled, so shares that are equal may
    differ in them. They are cut off, that they decide no tie; a node that is no consumer weighs what is cut.
    """
    scale = license_.scale or 0
    settled = Decimal(1).scaleb(_UNSETTLED - license_.share_scale)
    weights = {name: abs(share) for name, share in result.shares.items()}
    if weights:
        total = sum(weights.values(), Decimal(0))
        weights = {name: weight.quantize(settled, ROUND_DOWN) for name, weight in weights.items()}
        weights[_CUT] = total - sum(weights.values(), Decimal(0))
    nodes = [
        {"node_id": name, "node_type": "device", "allocation_weight": weight}
        for name, weight in weights.items()
    ]
    shared = replace(method("fixed_amount.configured.v1"), share_scale=scale)
    return License(method=shared, nodes=nodes, quantity=result.consumption)


def _result(nodes: Sequence[Node], quantities: dict[str, Any], shares: dict[str, Any], price: Any) -> Result:
    """The rows of a license, consumers in the order the example gives them."""
    license_row = quantities[""]
    order = [node["node_id"] for node in nodes if node["node_id"] in shares]
    order += sorted(set(shares) - set(order))
    consumed: dict[str, Decimal] = {}
    costs: dict[str, Decimal | None] = {}
    for node_id in order:
        row = shares[node_id]
        name = _TOGETHER.get(row["node_type"], node_id)
        consumed[name] = consumed.get(name, Decimal(0)) + row["derived_consumption"]
        cost = row["derived_cost"]
        costs[name] = None if cost is None else (costs.get(name) or Decimal(0)) + cost
    in_order = [*order, *(node_id for node_id in quantities if node_id not in shares)]
    return Result(
        consumption=license_row["quantity"],
        exact=license_row["counted"],
        quantities={name: quantities[name]["quantity"] for name in in_order if name in quantities},
        capacities={name: quantities[name]["capacity"] for name in in_order if name in quantities},
        shares=consumed,
        costs=costs,
        price=price,
    )


def _field(value: Any) -> Any:
    """An array as PostgreSQL writes it; all else as it is."""
    return "{" + ",".join(map(str, value)) + "}" if isinstance(value, list | tuple) else value
