"""Published arithmetic through the rules that charge real licenses: `python -m chargeback examples FILE`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from chargeback import __main__ as command_line
from chargeback.examples import cases, file, runner
from chargeback.examples.cases import CALCULATIONS
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
        - {id: text, calc: largest_remainder, inputs: {total: much, weights: {a: 1}}, expected: {a: 1}}
        - {id: missing, calc: tiered, inputs: {}, expected: 1}
        - {id: list, calc: pvu_host, inputs: [1, 2], expected: 1}
        - {id: refused, calc: costs, inputs: {quantities: {a: 1}, price: 5, scale: 9}, expected: {a: 5}}
        - {id: divided, calc: packs, inputs: {units: 5, pack: 0}, expected: 1}
        - {id: aimless, calc: packs, inputs: {units: 5}}
        - {id: twice, calc: pvu_host, inputs: {pools: {a: {pools: {x: {vms: 1}}}, b: {pools: {x: {vms: 1}}}}},
           expected: 1}
        - {id: many, calc: floor_estate, inputs: {hosts: 1000000, cores_per_cpu: 8}, expected: 1}
        - {id: endless limit, calc: packs, inputs: {units: .inf}, expected: 1}
        - {id: empty, calc: packs, inputs: {units: "", pack: .nan}, expected: 1}
        - {id: nameless, calc: even_split, inputs: {total: 1, weights: {"": 1}}, expected: {a: 1}}
        - {id: fine, calc: packs, inputs: {units: 5, pack: "2"}, expected: "3.0"}
        - {id: endless, calc: packs, inputs: {units: 1e999999, pack: 2}, expected: 1e999999}
        - {id: ignored, calc: packs, inputs: {units: 5, pack: 2, color: red}, expected: 4}
        - only a text
        """,
    )

    assert [(name, is_right) for name, is_right, _ in found if is_right] == [("fine", True)]
    got = {name: text for name, _, text in found}
    assert "'astrology' is unknown; there are capped_group, " in got["unknown"]
    assert got["divided"] == "nothing: input pack is 0, not more than 0"
    assert got["aimless"] == "nothing: the example has no 'expected'"
    assert got["twice"] == "nothing: x (pool) stands twice"
    assert got["many"] == "nothing: input count is 1000000, not a whole number from 0 to 200000"
    assert got["endless limit"] == "nothing: input units is Infinity, not a number"
    assert got["empty"] == "nothing: input units is missing; given: pack"
    assert got["text"] == "nothing: input total is 'much', not a number"
    assert got["missing"] == "nothing: input quantity is missing"
    assert got["list"] == "nothing: inputs must be names with values"
    assert "the database refuses it" in got["refused"]
    assert "the database refuses it" in got["nameless"]
    assert got["ignored"] == "3, without looking at color"
    assert "example 16" in got
    assert "the database refuses it" in got["endless"]


def test_a_miss_names_what_was_not_understood(database: Database, tmp_path: Path) -> None:
    """A wrong answer says which inputs had no part in it, a wrong name which names are near."""
    found = outcome_of(
        database,
        tmp_path / "examples.yaml",
        """
        - {id: near, calc: oracle_procesor_grouped, inputs: {}, expected: 1}
        - {id: other name, calc: packs, inputs: {unit: 5}, expected: 3}
        - {id: inside, calc: core_points, inputs: {devices: [{cores: 4, points_per_core: 20, number: 3}]},
           expected: 240}
        - {id: second, calc: pvu_host, inputs: {host_cores: 16, pvu_per_core: 1, vms: {a: {vcpus: 4, cores: 2}}},
           expected: 2}
        - {id: of a host, calc: vpc_hosts, inputs: {hosts: [{name: h, host_cores: 8, vms: [2], colour: red}]},
           expected: 2}
        - {id: weight, calc: windows_split, inputs: {cores: 16, vms: {a: 1}, weight: memory}, expected: 16}
        - {id: tiers, calc: tiered, inputs: {quantity: 5, tiers: [[null, 1], [null, 2]]}, expected: 5}
        - {id: some minimums, calc: nup_split, inputs: {users: {a: 1, b: 2}, minima: {a: 5}}, expected: 5}
        - {id: no calculation, kalc: packs, inputs: {units: 4}, expected: 2}
        - {id: no packs, calc: oracle_cloud_packs, inputs: {vcpus: 4}, expected: 1}
        - {id: nothing to price, calc: cost, inputs: {amount: 4, cost_per_right: 2}, expected: 8}
        """,
    )

    got = {name: text for name, _, text in found}
    assert "'oracle_procesor_grouped' is unknown; near it are oracle_processor_grouped, " in got["near"]
    assert got["other name"] == "nothing: input units is missing; given: unit"
    assert got["inside"] == "80, without looking at devices.number"
    assert got["second"] == "4, without looking at vms.cores"
    assert got["of a host"] == "2, without looking at hosts.colour"
    assert got["weight"].startswith("nothing: input weight is 'memory', not one of equal, ")
    assert got["tiers"] == "nothing: input tiers has two that end at the same limit"
    assert got["some minimums"] == "nothing: input minimum is missing for some of the servers"
    assert got["no calculation"] == "nothing: the example has no 'calc'"
    assert got["no packs"] == "nothing: oracle_cloud is not counted in packs"
    assert got["nothing to price"] == "nothing: input quantities is missing; given: amount, cost_per_right"
    assert [name for name, is_right, _ in found if is_right] == ["of a host"]


def test_a_form_behind_the_name_says_how_lists_are_read(database: Database, tmp_path: Path) -> None:
    found = outcome_of(
        database,
        tmp_path / "examples.yaml",
        """
        - {id: rows, calc: windows_cores_table, inputs: {processors: [2, 4], cores_per_processor: [10, 4], vms: [3, 1]},
           expected: [40, 32]}
        - {id: numbers, calc: windows_cores, inputs: {processors: 2, cores_per_processor: 8, vms: [2, 4]},
           expected: {"2": 16, "4": 32}}
        - {id: machines, calc: windows_split, inputs: {processors: 2, cores_per_processor: 8, vms: [2, 4]},
           expected: 16}
        - {id: names, calc: windows_cores, inputs: {processors: 2, cores_per_processor: 8, vms: [a, b]},
           expected: {a: 8, b: 8}}
        - {id: shares, calc: Largest-Remainder table, inputs: {total: [1, -1], weights: {a: 1, b: 3}},
           expected: [{a: 0.25, b: 0.75}, {a: -0.25, b: -0.75}]}
        - {id: fewer, calc: packs, inputs: {units: [1, 2, 3]}, expected: [1, 1]}
        - {id: more, calc: packs, inputs: {units: [1, 2]}, expected: [1, 1, 1]}
        - {id: packs, calc: windows_packs, inputs: {cores: 17}, expected: 9}
        - {id: packs of, calc: windows_packs, inputs: {cores: 17, pack: 16}, expected: 2}
        """,
    )

    assert [name for name, is_right, _ in found if not is_right] == ["fewer", "more"]


def test_expected_values_are_compared_exactly_whatever_their_form(database: Database, tmp_path: Path) -> None:
    found = outcome_of(
        database,
        tmp_path / "examples.yaml",
        """
        - {id: decimal, calc: costs, inputs: {quantities: {a: "1"}, price: 0.1}, expected: {a: "0.10"}}
        - {id: digit, calc: costs, inputs: {quantities: {a: "1"}, price: 0.1}, expected: {a: 0.1000000001}}
        - {id: more, calc: costs, inputs: {quantities: {a: 1, b: 1}, price: 1}, expected: {a: 1}}
        - {id: fewer, calc: costs, inputs: {quantities: {a: 1}, price: 1}, expected: {a: 1, b: 0}}
        - {id: list, calc: sql_per_vm, inputs: {vm_vcores: [1, 8]}, expected: [4, 8.0]}
        - {id: sum, calc: sql_per_vm, inputs: {vm_vcores: [1, 8]}, expected: 12}
        - {id: truth, calc: packs, inputs: {units: 1, pack: 1}, expected: true}
        - {id: no price, calc: price_precedence, inputs: {override: null}, expected: null}
        - {id: a price, calc: price_precedence, inputs: {override: 1}, expected: null}
        - {id: no number, calc: pvu_host, inputs: {host_cores: 4, vms: [1]}, expected: {flat: null}}
        - {id: nobody, calc: split_or_unallocated, inputs: {total: 0, weights: {a: 0}}, expected: {unallocated: 0}}
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
    shown = {known.names for example in EXAMPLES if (known := cases.find(example.calculation))}

    assert shown == {calculation.names for calculation in CALCULATIONS.values()}


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
