"""Published arithmetic through the rules that charge real licenses: `python -m chargeback examples FILE`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from chargeback import __main__ as command_line
from chargeback.examples import cases, file, runner
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import URL

EXAMPLES = file.read(file.EXAMPLES_FILE)


@pytest.fixture(scope="module")
def database(module_warehouse_url: str) -> Database:
    return Database.connect(module_warehouse_url)


def outcome_of(database: Database, path: Path, text: str) -> list[tuple[str, bool, str]]:
    path.write_text(text, encoding="utf-8")
    return [
        (found.example.example_id, found.is_right, found.got)
        for found in runner.run(database, file.read(path))
    ]


def test_every_example_of_the_product_comes_out_as_published(database: Database) -> None:
    missed = [found.line() for found in runner.run(database, EXAMPLES) if not found.is_right]

    assert len(EXAMPLES) > 60
    assert missed == []


def test_examples_leave_nothing_behind(database: Database) -> None:
    def state() -> list[tuple[object, ...]]:
        with database.transaction() as connection:
            rows = execute(
                connection,
                """
                select 'tables' as what, count(*) as found from pg_class
                union all
                select 'tiers', count(*) from mart.consumption_tiers
                union all
                select 'shares', count(*) from intermediate.int_recharge_shares
                union all
                select 'loads', count(*) from ops.loads
                """,
            )
            return [tuple(row) for row in rows]

    before = state()
    runner.run(database, EXAMPLES)

    assert state() == before


def test_every_rule_of_the_reference_discriminates(database: Database, tmp_path: Path) -> None:
    """An example that any answer would satisfy shows nothing: each must miss when its answer is another."""
    wrong = [
        file.Example(
            example_id=example.example_id,
            license_type=example.license_type,
            calculation=example.calculation,
            inputs=example.inputs,
            expected=changed(example.expected),
        )
        for example in EXAMPLES
    ]

    assert [found.example.example_id for found in runner.run(database, wrong) if found.is_right] == []


def changed(expected: object) -> object:
    if isinstance(expected, dict):
        name = next(iter(expected))
        return {**expected, name: changed(expected[name])}
    if isinstance(expected, list):
        return [changed(expected[0]), *expected[1:]]
    return f"{expected}1" if "." in str(expected) else f"{expected}.000001"


def test_what_cannot_be_calculated_is_a_line_and_a_miss_and_the_others_go_on(
    database: Database, tmp_path: Path
) -> None:
    found = outcome_of(
        database,
        tmp_path / "examples.yaml",
        """
        examples:
        - {id: unknown, calc: astrology, inputs: {}, expected: 1}
        - {id: near, calc: oracle_procesor_grouped, inputs: {}, expected: 1}
        - {id: text, calc: largest_remainder, inputs: {total: much, weights: {a: 1}}, expected: {a: 1}}
        - {id: missing, calc: tiered, inputs: {}, expected: 1}
        - {id: other name, calc: packs, inputs: {unit: 5}, expected: 3}
        - {id: inside, calc: core_points, inputs: {devices: [{cores: 4, points_per_core: 20, number: 3}]},
           expected: 240}
        - {id: list, calc: pvu_host, inputs: [1, 2], expected: 1}
        - {id: no table, calc: windows_cores_table, inputs: {vms: 2}, expected: [1]}
        - {id: divided, calc: packs, inputs: {units: 5, pack: 0}, expected: 1}
        - {id: aimless, calc: packs, inputs: {units: 5}}
        - {id: nothing, inputs: {units: 4}, expected: 2}
        - {id: twice, calc: pvu_host, inputs: {pools: {a: {pools: {x: {vms: [1]}}}, b: {pools: {x: {vms: [1]}}}}},
           expected: 1}
        - {id: many, calc: floor_estate, inputs: {hosts: 1000000, cores_per_cpu: 8}, expected: 1}
        - {id: endless, calc: packs, inputs: {units: .inf}, expected: 1}
        - {id: nameless, calc: even, inputs: {total: 1, weights: {"": 1}}, expected: {a: 1}}
        - {id: weight, calc: windows_cores, inputs: {cores_per_processor: 16, vms: {a: 1}, weight: memory},
           expected: 16}
        - {id: tiers, calc: tiered, inputs: {quantity: 5, tiers: [[null, 1], [null, 2]]}, expected: 5}
        - {id: some minimums, calc: nup_license, inputs: {users_by_server: {a: 1, b: 2}, minima: {a: 5}},
           expected: 5}
        - {id: fine, calc: packs, inputs: {units: 5, pack: "2"}, expected: "3.0"}
        - {id: digits, calc: packs, inputs: {units: 1e999999, pack: 2}, expected: 1e999999}
        - only a text
        """,
    )

    assert [name for name, is_right, _ in found if is_right] == ["fine"]
    got = {name: text.removeprefix("nothing: ") for name, _, text in found}
    assert "'astrology' is unknown; there are capped_group, " in got["unknown"]
    assert "'oracle_procesor_grouped' is unknown; near it are oracle_processor_grouped, " in got["near"]
    assert got["text"].startswith("Invalid decimal string in `total`; largest_remainder takes ")
    assert got["missing"] == "missing input `quantity`"
    assert got["other name"].startswith("unknown input `unit`; packs takes scale, ")
    assert got["inside"].startswith("unknown input `number` in `devices[0]`; core_points takes ")
    assert got["list"].startswith("Expected `object`, got `array`; pvu_host takes ")
    assert got["no table"] == "input vms of windows_cores_table is not a list"
    assert got["divided"] == "input pack is 0, not more than 0"
    assert got["aimless"] == "the example has no 'expected'"
    assert got["nothing"] == "the example has no 'calc'"
    assert got["twice"] == "x (pool) is there twice"
    assert got["many"].startswith("Expected `int` <= 200000 in `hosts`; floor_estate takes ")
    assert got["endless"] == "Infinity is not a number; write null for no limit"
    assert got["weight"].startswith("Invalid enum value 'memory' in `weight`; windows_cores takes ")
    assert got["tiers"] == "input tiers has two that end at the same limit"
    assert got["some minimums"] == "missing input `minimum` for some of the servers"
    assert "the database refuses it" in got["nameless"]
    assert "the database refuses it" in got["digits"]
    assert "example 21" in got


def test_a_table_takes_a_list_and_gives_a_list(database: Database, tmp_path: Path) -> None:
    found = outcome_of(
        database,
        tmp_path / "examples.yaml",
        """
        - {id: rows, calc: windows_cores_table, inputs: {processors: 2, cores_per_processor: 8, vms: [2, 4]},
           expected: [16, 32]}
        - {id: names, calc: windows_cores, inputs: {processors: 2, cores_per_processor: 8, vms: {a: 1, b: 1}},
           expected: {a: 8, b: 8}}
        - {id: shares, calc: tiered_table, inputs: {quantity: [8, 4], devices: {a: 3, b: 1}}, expected: [
           {a: 6, b: 2}, {a: 3, b: 1}]}
        - {id: fewer, calc: windows_cores_table, inputs: {cores_per_processor: 16, vms: [1, 2]}, expected: [16]}
        """,
    )

    assert [name for name, is_right, _ in found if not is_right] == ["fewer"]


def test_expected_values_are_compared_exactly_whatever_their_form(database: Database, tmp_path: Path) -> None:
    found = outcome_of(
        database,
        tmp_path / "examples.yaml",
        """
        - {id: decimal, calc: cost, inputs: {quantities: {a: "1"}, cost_per_right: 0.1}, expected: {a: "0.10"}}
        - {id: digit, calc: cost, inputs: {quantities: {a: "1"}, cost_per_right: 0.1}, expected: {a: 0.1000000001}}
        - {id: more, calc: cost, inputs: {quantities: {a: 1, b: 1}, cost_per_right: 1}, expected: {a: 1}}
        - {id: fewer, calc: cost, inputs: {quantities: {a: 1}, cost_per_right: 1}, expected: {a: 1, b: 0}}
        - {id: list, calc: sql_per_vm, inputs: {vm_vcores: [1, 8]}, expected: [4, 8.0]}
        - {id: sum, calc: sql_per_vm, inputs: {vm_vcores: [1, 8]}, expected: 12}
        - {id: truth, calc: packs, inputs: {units: 1, pack: 1}, expected: true}
        - {id: no price, calc: price_precedence, inputs: {override_unit_price: null}, expected: null}
        - {id: a price, calc: price_precedence, inputs: {override_unit_price: 1}, expected: null}
        - {id: no number, calc: pvu_host, inputs: {host_cores: 4, vms: [1]}, expected: {flat: null}}
        - {id: nobody, calc: split_or_unallocated, inputs: {total: 0, weights: {a: 0}}, expected: {__unallocated__: 0}}
        """,
    )

    assert {name for name, is_right, _ in found if is_right} == {
        *("decimal", "list", "sum", "no price", "nobody")
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("examples: []", "has no list 'examples'"),
        ("{", "is not YAML"),
        ("just a text", "has no list 'examples'"),
    ],
)
def test_a_file_of_another_form_is_one_clear_line(
    module_warehouse_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    path = tmp_path / "examples.yaml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_to(make_url(module_warehouse_url)))

    code = command_line.main(["examples", str(path)])

    assert code == 1
    [line] = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(str(path))
    assert message in line


def test_the_command_prints_a_line_per_example_and_fails_with_the_first_miss(
    module_warehouse_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_to(make_url(module_warehouse_url)))
    path = tmp_path / "examples.yaml"
    right = "- {id: A, license_type: Device, calc: packs, inputs: {units: 5, pack: 2}, expected: 3}\n"

    path.write_text(right, encoding="utf-8")
    assert command_line.main(["examples", str(path)]) == 0
    assert capsys.readouterr().out == (
        "A                  ok   packs: expected 3, got 3  (Device)\n1 examples: 1 ok, 0 missed.\n"
    )
    path.write_text(right + right.replace("expected: 3", "expected: 2"), encoding="utf-8")
    assert command_line.main(["examples", str(path)]) == 1
    assert capsys.readouterr().out.endswith("got 3  (Device)\n2 examples: 1 ok, 1 missed.\n")
    assert command_line.main(["examples", str(tmp_path / "nowhere.yaml")]) == 1
    assert "nowhere.yaml: No such file or directory" in capsys.readouterr().err


def test_a_warehouse_of_another_version_is_refused(
    new_database: URL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_to(new_database))

    assert command_line.main(["examples"]) == 1
    assert "python -m chargeback migrate" in capsys.readouterr().err


def test_every_calculation_has_an_example() -> None:
    shown = {example.calculation for example in EXAMPLES}

    assert [
        name for name, kind in cases.CALCULATIONS.items() if shown.isdisjoint(cases.names_of(kind, name))
    ] == []


def connection_to(url: URL) -> str:
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": url.host,
            "port": url.port,
            "login": url.username,
            "password": url.password,
            "schema": url.database,
        }
    )
