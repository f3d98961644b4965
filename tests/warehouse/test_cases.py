"""One folder per case: what the API gave (given.yaml), and what the warehouse makes of it (expect.yaml)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from chargeback.warehouse import scripts

if TYPE_CHECKING:
    from warehouse_nights import Nights

FOLDER = Path(__file__).parent
Rows = Sequence[Mapping[str, Any]]

CASES = sorted(path.parent for path in FOLDER.rglob("given.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(FOLDER)))
def test_the_warehouse_makes_of_a_case_what_is_expected(case: Path, nights: Nights) -> None:
    given, expected = _read(case / "given.yaml"), _read(case / "expect.yaml")

    found: dict[str, list[str]] = {}
    for night in given["nights"]:
        found = nights.run(night)

    assert found == expected.pop("checks", {})
    assert expected or found, "the case expects nothing"
    for table, rows in expected.items():
        _assert_rows(table, nights.rows(table), rows)


def test_every_transform_and_every_check_has_a_case() -> None:
    named = {case.parent.name for case in CASES}
    files = {table for layer in ("intermediate", "mart") for table in scripts.tables(layer)}
    files |= {check.name for layer in ("staging", "mart") for check in scripts.checks(layer)}

    assert files - named == set()


def test_every_check_finds_something_in_a_case_of_its_own() -> None:
    cases = [case for case in CASES if case.parent.parent.parent.name == "checks"]
    finding = {
        case.parent.name
        for case in cases
        if case.parent.name in _read(case / "expect.yaml").get("checks", {})
    }

    assert {case.parent.name for case in cases} - finding == set()


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _assert_rows(table: str, rows: Rows, expected: Rows) -> None:
    columns = list(expected[0]) if expected else ["load_id"]
    assert all(list(row) == columns for row in expected), f"{table}: name the same columns in every row"
    assert _comparable(rows, columns) == _comparable(expected, columns), table


def _comparable(rows: Rows, columns: Sequence[str]) -> list[tuple[str, ...]]:
    return sorted(tuple(_text(row[name]) for name in columns) for row in rows)


def _text(value: object) -> str:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{Decimal(str(value)).normalize():f}"
    return str(value)
