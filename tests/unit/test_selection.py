"""The filter of the trigger form, and the batches made of what it keeps."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.selection import LicenseFilter, batches
from chargeback.steps.extract import ListedLicense


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
        pytest.param({"publishers": None}, True, id="null is no filter"),
        pytest.param({"publishers": ["", "  "]}, True, id="blank lines are no filter"),
        pytest.param({"publishers": "oracle"}, True, id="one text instead of a list"),
        pytest.param({"publishers": "IBM\r\noracle\n"}, True, id="one text of several lines"),
        pytest.param({"publishers": [" Oracle\u00a0"]}, True, id="blanks around"),
        pytest.param({"license_ids": 41207.0}, True, id="a number as some JSON writers give it"),
        pytest.param({"license_names": ["Oracle  Database Enterprise*"]}, True, id="two blanks for one"),
        pytest.param({"license_names": ["Oracle Database [EX]nterprise*"]}, False, id="brackets are letters"),
        pytest.param(
            {"license_ids": ["41207"], "exclude_license_ids": ["41207"]}, False, id="exclusion wins"
        ),
    ],
)
def test_the_filter_keeps_a_license_when_every_param_agrees(params: dict, is_kept: bool) -> None:
    assert LicenseFilter.from_params(params).keeps(License()) is is_kept


@pytest.mark.parametrize(
    ("entry", "name", "is_kept"),
    [
        ("Visio Standard [2019]", "Visio Standard [2019]", True),
        ("visio standard [2019]", "Visio Standard [2019]", True),
        ("Visio*[20??]", "Visio Standard [2019]", True),
        ("q & co [eu]", "Q & Co e", False),
        ("q & co [eu]", "Q & Co [EU]", True),
        ("[!x]", "a", False),
        ("[!x]", "[!x]", True),
        ("a[", "a[", True),
        ("]a", "]a", True),
        ("50%", "50% off", False),
        ("Caf\u00e9 Suite", "Cafe\u0301 Suite", True),
        ("STRASSE", "Stra\u00dfe", True),
        ("Zero\u200bWidth", "ZeroWidth", True),
    ],
)
def test_only_star_and_question_mark_are_special(entry: str, name: str, is_kept: bool) -> None:
    assert LicenseFilter(license_names=(entry,)).keeps(License(license_name=name)) is is_kept


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ("Adobe, Inc.", ["Adobe, Inc."]),
        ('"Adobe, Inc."', ["Adobe, Inc."]),
        ("Oracle, IBM", ["Oracle", "IBM"]),
        ("oracle;ibm;", ["Oracle", "IBM"]),
        ('"Adobe, Inc.", Oracle', ["Adobe, Inc.", "Oracle"]),
        ("'Oracle', 'IBM'", ["Oracle", "IBM"]),
        ("\u201eOracle\u201c", ["Oracle"]),
        ("O*, I*", ["Oracle", "IBM"]),
        ('"The" Company', ['"The" Company']),
    ],
)
def test_commas_and_quotes_are_read_in_the_way_that_finds_licenses(entry: str, kept: list[str]) -> None:
    listed = [License(publisher=name) for name in ("Adobe, Inc.", "Oracle", "IBM", "Adobe", '"The" Company')]
    read = LicenseFilter.from_params({"publishers": [entry]}).read_against(listed)

    assert [license_.publisher for license_ in listed if read.keeps(license_)] == [
        license_.publisher for license_ in listed if license_.publisher in kept
    ]
    assert read.misses(listed) == {}


@pytest.mark.parametrize("text", ["1, 2", "1 2", "1;2", "'1', '2'", "1,2\n"])
def test_ids_may_be_given_in_one_line(text: str) -> None:
    listed = [License(license_id=each) for each in "123"]
    read = LicenseFilter.from_params({"exclude_license_ids": text}).read_against(listed)

    assert [license_.license_id for license_ in listed if read.keeps(license_)] == ["3"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"publishers": ["Orakle"]}, {"publishers": ["'Orakle' (nearest: Oracle)"]}),
        ({"publishers": ["Oracle", "Xyz"]}, {"publishers": ["'Xyz'"]}),
        ({"publishers": ["Ora%"]}, {"publishers": ["'Ora%' (nearest: Oracle; write * for any letters)"]}),
        (
            {"license_names": ["enterprise"]},
            {"license_names": ["'enterprise' (nearest: Oracle Database Enterprise Edition)"]},
        ),
        ({"license_ids": ["41208"]}, {"license_ids": ["'41208' (nearest: 41207)"]}),
        ({"license_types": ["*"]}, {}),
    ],
)
def test_an_entry_that_finds_nothing_is_told_with_the_nearest_names(params: dict, told: dict) -> None:
    assert LicenseFilter.from_params(params).read_against([License()]).misses([License()]) == told


@pytest.mark.parametrize("value", [True, {"a": 1}, [["Oracle"]], [{"a": 1}], 1.5, ["a\0b"], "\ud800"])
def test_what_is_no_filter_is_told_in_one_line(value: object) -> None:
    [mistake] = LicenseFilter.mistakes({"publishers": value})

    assert mistake.startswith("publishers is ")
    assert mistake.endswith("; it must be a list of texts")
    assert mistake.isprintable()


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


def test_a_label_fits_the_column_of_airflow_whatever_the_names_are() -> None:
    name = ListedLicense("1", "x\r\n" * 3000, None, None).label
    ids = [f"{number}" for number in range(3000)]

    groups = batches(ids, dict.fromkeys(ids, name), 7)

    assert [license_id for group in groups for license_id in group["license_ids"]] == ids
    assert max(len(group["label"]) for group in groups) <= 250
    assert "\n" not in groups[0]["label"]


def test_a_filter_of_many_values_is_shown_by_its_first_ones() -> None:
    shown = str(LicenseFilter(license_ids=tuple(str(number) for number in range(100_000))))

    assert shown.startswith("license_ids=0, 1, 2, ")
    assert shown.endswith(", 19 and 99,980 more")
