"""One folder per case: trees and terms (given_trees.yaml), and what the rules make of them (expect.yaml)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from recharge_load import RechargeLoad

from chargeback.methods import FAMILIES as KNOWN_FAMILIES
from chargeback.warehouse import recharge
from chargeback.warehouse.scripts import SQL_FOLDER

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.rglob("given_trees.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(FOLDER)))
def test_the_rules_make_of_a_case_what_is_expected(case: Path, connection: Connection) -> None:
    given, expected = read(case / "given_trees.yaml"), read(case / "expect.yaml")

    assert expected, "the case expects nothing"
    with RechargeLoad(connection).worked_out(given["licenses"]) as load:
        for table, rows in expected.items():
            columns = list(rows[0])
            assert all(list(row) == columns for row in rows), f"{table}: name the same columns in every row"
            assert comparable(load.rows(table), columns) == comparable(rows, columns), table


def test_licenses_worked_out_one_by_one_give_what_all_give_together(connection: Connection) -> None:
    licenses = [license_ for case in CASES for license_ in read(case / "given_trees.yaml")["licenses"]]
    tables = {table for table, _, _ in (*recharge.ONCE, *recharge.steps())}
    made: list[dict[str, list[tuple[str, ...]]]] = []
    for batch_rows in (1_000_000, 1):
        with RechargeLoad(connection).worked_out(licenses, batch_rows=batch_rows) as load:
            made.append(
                {table: comparable(rows, list(rows[0])) for table in tables if (rows := load.rows(table))}
            )

    together, one_by_one = made
    assert set(together) == tables
    assert one_by_one == together


def test_every_recharge_file_has_a_case() -> None:
    files = {path.stem for path in (SQL_FOLDER / "recharge").glob("*.sql")}

    assert files
    assert files - {case.parent.name for case in CASES} == set()


def test_every_recharge_file_is_run_in_the_written_order() -> None:
    files = {path.stem for path in (SQL_FOLDER / "recharge").glob("*.sql")}

    assert {file for _, file, _ in (*recharge.ONCE, *recharge.steps())} == files


def test_the_families_of_the_catalog_are_those_that_are_run() -> None:
    assert set(KNOWN_FAMILIES) == set(recharge.FAMILIES)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def comparable(rows: list[dict[str, Any]], columns: list[str]) -> list[tuple[str, ...]]:
    return sorted(tuple(text(row[name]) for name in columns) for row in rows)


def text(value: object) -> str:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value)
