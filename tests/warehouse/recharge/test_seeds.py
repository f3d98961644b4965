"""The public figures: loaded by the migration, replaced from their files at every `migrate`."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from chargeback.errors import SettingsInvalid
from chargeback.warehouse import seeds
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

FILES = sorted(seeds.SEEDS_FOLDER.glob("*.csv"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_new_warehouse_holds_every_line_with_source_and_date(path: Path, connection: Connection) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = execute(connection, f"select * from mart.{path.stem}").mappings().all()

    assert lines or path.stem == "allocation_keys"
    assert len(rows) == len(lines)
    assert all(row["source"] and row["as_of"] for row in rows)


def test_a_file_replaces_what_the_table_had(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "core_factors.csv").write_text(
        'processor_pattern,core_factor,source,as_of\n"a, ""b""",0.25,me,2026-01-01\n', encoding="utf-8"
    )

    assert seeds.load(connection, tmp_path) == {"core_factors": 1}
    rows = execute(connection, "select processor_pattern, core_factor::text from mart.core_factors").all()
    assert [tuple(row) for row in rows] == [('a, "b"', "0.25")]
    assert execute(connection, "select count(*) from mart.cloud_vcpus").scalar_one() > 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("processor_pattern,core_factor,source,as_of\nx,0.5,me\n", "line 2 has not the 4 values"),
        ("processor_pattern,factor,source,as_of\nx,0.5,me,2026-01-01\n", 'column "factor"'),
        ("processor_pattern,core_factor,source,as_of\nx,half,me,2026-01-01\n", "half"),
        ("processor_pattern,core_factor,source,as_of\ny,1,me,2026-01-01\nx,-1,me,2026-01-01\n", "line 3,"),
        ("processor_pattern,core_factor,source,as_of\nx,0,me,2026-01-01\n", "core_factor_check"),
        ("processor_pattern,core_factor,source,as_of\nx,1,a,2026-01-01\nx,1,b,2026-01-01\n", "line 3,"),
        ("processor_pattern,core_factor,source,as_of\n\nx,1,me\n", "line 3 has not the 4 values"),
        ("", "the first line must name the columns"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_reason(
    connection: Connection, tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "core_factors.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsInvalid, match="core_factors") as caught:
        seeds.load(connection, tmp_path)

    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_a_spreadsheet_saved_is_read_or_told_what_it_lacks(
    connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "core_factors.csv"
    text = "processor_pattern,core_factor,source,as_of\r\nprozeßor,0.5,me,2026-01-01\r\n"

    path.write_text(text, encoding="utf-8-sig", newline="")
    assert seeds.load(connection, tmp_path) == {"core_factors": 1}
    assert seeds.differing(connection, tmp_path) == []
    path.write_text(text, encoding="cp1252", newline="")
    with pytest.raises(SettingsInvalid, match="Save it as CSV in UTF-8"):
        seeds.load(connection, tmp_path)


@pytest.mark.parametrize("name", ["core_factor", "core factors (2)"])
def test_a_file_without_a_table_is_named(connection: Connection, tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.csv").write_text("processor_pattern\nx\n", encoding="utf-8")

    with pytest.raises(SettingsInvalid, match="has no table core") as caught:
        seeds.load(connection, tmp_path)
    with pytest.raises(SettingsInvalid, match="has no table core"):
        seeds.differing(connection, tmp_path)

    assert name in str(caught.value)
