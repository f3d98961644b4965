"""Names of licenses as Airflow can show them: its database keeps 250 characters of the name of a mapped task."""

from __future__ import annotations

import pytest

from chargeback.selection import MOST_LABEL, batches, label


@pytest.mark.parametrize("length", [249, 250, 251, 3000])
@pytest.mark.parametrize("letter", ["x", "ß", "😀"])
def test_a_long_name_fits_the_column(length: int, letter: str) -> None:
    shown = label(letter * length)

    assert len(shown) == min(length, MOST_LABEL)
    assert shown.endswith("..." if length > MOST_LABEL else letter)


def test_of_3000_licenses_in_groups_each_label_fits_and_says_how_many_more() -> None:
    ids = [str(number) for number in range(3000)]

    made = batches(ids, dict.fromkeys(ids, "x" * 3000), 1024)

    assert len(made) == 1024
    assert {len(batch["label"]) for batch in made} == {MOST_LABEL}
    assert {batch["label"].rpartition("...")[2] for batch in made} == {" and 1 more", " and 2 more"}
