"""Put capacity trees and terms into a load, run the recharge rules, and read what they made of them."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chargeback.methods import TERM_COLUMNS, Catalog, Method, term
from chargeback.warehouse import recharge
from chargeback.warehouse.database import copy_rows, execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

CATALOG = Catalog.read()
LOAD_ID = 1
DAY = date(2026, 11, 24)
Row = dict[str, Any]


def method(given: str | Mapping[str, Any]) -> Method:
    """A method of the catalog by its id, with changes where a mapping `like` it is given."""
    if isinstance(given, str):
        return CATALOG.methods[given]
    changes = {name: _exact(value) for name, value in given.items() if name != "like"}
    return dataclasses.replace(CATALOG.methods[given["like"]], **changes)


class RechargeLoad:
    """One load in a transaction that the test rolls back."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        execute(connection, "select ops.ensure_partitions(%(load_id)s, %(day)s)", load_id=LOAD_ID, day=DAY)

    @contextmanager
    def worked_out(self, licenses: Sequence[Mapping[str, Any]], **options: int) -> Iterator[RechargeLoad]:
        """The load with these licenses and what the rules made of them; empty again afterwards."""
        with self.connection.begin_nested() as savepoint:
            pairs = [(license_, given) for license_ in licenses for given in license_["methods"]]
            ids = {id(license_): str(position) for position, license_ in enumerate(licenses, start=1)}
            copy_rows(
                self.connection,
                "intermediate.int_license_terms",
                TERM_COLUMNS,
                [
                    _term(number, ids[id(license_)], given, license_)
                    for number, (license_, given) in enumerate(pairs, start=1)
                ],
            )
            for license_ in licenses:
                license_id = ids[id(license_)]
                self._land("int_capacity_nodes", license_id, license_.get("nodes", ()))
                self._land(
                    "int_price_sources", license_id, [license_["price"]] if license_.get("price") else []
                )
            parameters = {"load_id": LOAD_ID, "snapshot_date": DAY, "org_id": "1"}
            recharge.run(self.connection, parameters, all_shares=True, **options)
            yield self
            savepoint.rollback()

    def rows(self, table: str) -> list[Row]:
        """The rows of a table of the load."""
        statement = f"select * from intermediate.{table} where load_id = {LOAD_ID}"
        return [dict(row) for row in execute(self.connection, statement).mappings()]

    def _land(self, table: str, license_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        copy_rows(
            self.connection,
            f"intermediate.{table}",
            ("load_id", "license_id", *columns),
            [(LOAD_ID, license_id, *(_field(row.get(name)) for name in columns)) for row in rows],
        )


def _term(number: int, license_id: str, given: Any, license_: Mapping[str, Any]) -> tuple[object, ...]:
    rule = given if isinstance(given, Method) else method(given)
    quantity = _exact(license_.get("quantity"))
    values = dict(zip(TERM_COLUMNS, term(LOAD_ID, number, license_id, rule, quantity), strict=True))
    if rule.family == "tiers":
        values["license_quantity"] = quantity
    return tuple(values.values())


def _exact(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _field(value: Any) -> Any:
    return "{" + ",".join(map(str, value)) + "}" if isinstance(value, list) else value
