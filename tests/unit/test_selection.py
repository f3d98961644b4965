"""The filter of the trigger form, and the batches made of what it keeps."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.selection import LicenseFilter, batches


@dataclass
class License:
    license_id: str = "41207"
    license_name: str | None = "Oracle Database Enterprise Edition"
    license_type: str | None = "Oracle Processor"
    publisher: str | None = "Oracle"


@pytest.mark.parametrize(
    ("params", "is_kept"),
    [
        pytest.param({}, True, id="no filter keeps all"),
        pytest.param({"publishers": ["oracle"]}, True, id="case does not matter"),
        pytest.param({"publishers": ["IBM", "Ora*"]}, True, id="one of several globs is enough"),
        pytest.param({"publishers": ["Microsoft"]}, False, id="another publisher"),
        pytest.param({"license_types": ["*processor"]}, True, id="glob on the type"),
        pytest.param({"license_names": ["*enterprise ed?tion"]}, True, id="question mark is one letter"),
        pytest.param({"publishers": ["Oracle"], "license_types": ["IBM*"]}, False, id="all params must hold"),
        pytest.param({"license_ids": ["41207"]}, True, id="exact id"),
        pytest.param({"license_ids": [41207]}, True, id="id given as a number"),
        pytest.param({"license_ids": ["4120*"]}, False, id="ids are no globs"),
        pytest.param({"exclude_license_ids": ["41207"]}, False, id="excluded"),
        pytest.param(
            {"license_ids": ["41207"], "exclude_license_ids": ["41207"]}, False, id="exclusion wins"
        ),
    ],
)
def test_the_filter_keeps_a_license_when_every_param_agrees(params: dict, is_kept: bool) -> None:
    assert LicenseFilter.from_params(params).keeps(License()) is is_kept


def test_a_license_without_a_publisher_is_kept_only_by_an_open_filter() -> None:
    license_ = License(publisher=None)

    assert LicenseFilter().keeps(license_)
    assert not LicenseFilter(publishers=("Oracle",)).keeps(license_)


def test_a_filter_reads_like_what_the_operator_wrote() -> None:
    assert str(LicenseFilter(publishers=("Oracle", "IBM"))) == "publishers=Oracle, IBM"
    assert str(LicenseFilter()) == "no filter"


def test_each_license_is_its_own_task_while_airflow_may_map_that_many() -> None:
    assert batches(["1", "2"], {"1": "One", "2": "Two"}, 2) == [
        {"label": "One", "license_ids": ["1"]},
        {"label": "Two", "license_ids": ["2"]},
    ]


@given(count=st.integers(1, 300), most=st.integers(1, 40))
def test_groups_keep_every_license_once_in_order_and_differ_by_one_at_most(count: int, most: int) -> None:
    ids = [str(number) for number in range(count)]

    made = batches(ids, {license_id: f"license {license_id}" for license_id in ids}, most)

    assert [license_id for batch in made for license_id in batch["license_ids"]] == ids
    assert len(made) == min(count, most)
    sizes = [len(batch["license_ids"]) for batch in made]
    assert max(sizes) - min(sizes) <= 1
