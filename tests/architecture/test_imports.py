"""Who may import whom, and that written SQL lists agree with the folders."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from chargeback.steps.build import LAYERS
from chargeback.warehouse import scripts

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "include" / "chargeback"

# Part of the package -> the parts it may import (errors and plain_text may be imported by all).
MAY_IMPORT = {
    "errors": set(),
    "plain_text": set(),
    "failures": set(),
    "selection": set(),
    "settings": set(),
    "methods": set(),
    "flexera": {"flexera", "settings"},
    "warehouse": {"warehouse", "settings"},
    "steps": {"steps", "failures", "flexera", "methods", "warehouse", "selection"},
    "hooks": {"flexera", "methods", "warehouse", "settings"},
    "context": {"failures", "hooks", "organizations", "steps", "warehouse"},
    "notifiers": {"context", "hooks", "organizations", "steps"},
    "outcome": {
        "context",
        "failures",
        "hooks",
        "metrics",
        "notifiers",
        "organizations",
        "selection",
        "steps",
    },
    "metrics": {"hooks", "organizations", "settings", "steps"},
    "lineage": {"hooks", "steps"},
    "organizations": {"settings"},
    "provider": set(),
    "timetable": set(),
    "doctor": {"doctor", "flexera", "methods", "steps", "warehouse", "settings"},
    "deployment": {"doctor", "notifiers", "organizations"},
    "examples": {"examples", "methods", "warehouse"},
    "__main__": {"deployment", "doctor", "examples", "hooks", "organizations", "warehouse"},
}
AIRFLOW_DOORS = {
    "hooks",
    "context",
    "deployment",
    "lineage",
    "metrics",
    "notifiers",
    "organizations",
    "outcome",
    "provider",
    "timetable",
}
# What DAGs and plugins may import: the doors that tasks go through, and the steps.
TASKS_MAY_IMPORT = AIRFLOW_DOORS - {"deployment", "provider"} | {"steps"}
MODULES = sorted(PACKAGE.rglob("*.py"))
LOADED_BY_AIRFLOW = sorted(path for folder in ("dags", "plugins") for path in (ROOT / folder).glob("*.py"))


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import hides which part is meant"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def names_the_sql_folder(path: Path) -> bool:
    """Whether a module writes the name of the folder, or takes the constant that holds it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return "sql" in texts or any(name.endswith("SQL_FOLDER") for name in imports(path))


def test_the_package_has_the_parts_the_rules_speak_of() -> None:
    assert {part(path) for path in MODULES} - {"__init__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_part_may(path: Path) -> None:
    own = part(path)
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("chargeback.")}

    assert parts - {"errors", "plain_text"} <= MAY_IMPORT.get(own, set())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_airflow_is_imported_at_the_doors_only(path: Path) -> None:
    uses_airflow = any(name.split(".")[0] == "airflow" for name in imports(path))

    assert not uses_airflow or part(path) in AIRFLOW_DOORS


@pytest.mark.parametrize("path", LOADED_BY_AIRFLOW, ids=lambda path: path.name)
def test_what_airflow_loads_imports_the_doors_and_the_steps_only(path: Path) -> None:
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("chargeback.")}

    assert parts
    assert parts <= TASKS_MAY_IMPORT


def test_one_module_opens_the_files_of_include_sql() -> None:
    openers = [path for path in MODULES if names_the_sql_folder(path)]

    assert openers == [PACKAGE / "warehouse" / "scripts.py"]


def test_the_simulator_and_the_product_do_not_know_each_other() -> None:
    simulator = {
        name for path in (ROOT / "include" / "flexera_simulator").rglob("*.py") for name in imports(path)
    }
    product = {name for path in MODULES for name in imports(path)}

    assert simulator
    assert not any(name.startswith("chargeback") for name in simulator)
    assert not any(name.startswith(("flexera_simulator", "local_runtime")) for name in product)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_transform_file_has_its_place_in_the_written_order(layer: str) -> None:
    assert sorted(LAYERS[layer]) == scripts.tables(layer)


@pytest.mark.parametrize("layer", ["staging", "mart"])
def test_every_check_says_its_severity_and_there_are_some(layer: str) -> None:
    assert scripts.checks(layer)


def test_every_dimension_of_quality_has_a_check() -> None:
    assert {check.dimension for layer in ("staging", "mart") for check in scripts.checks(layer)} == set(
        scripts.DIMENSIONS
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select 1", "line 1 must be '-- severity: fail'"),
        ("-- severity: loud\n-- dimension: change\n-- Rule.\nselect 1", "line 1 must be"),
        ("-- severity: warn\n-- Rule.\nselect 1", "line 2 must be '-- dimension: freshness'"),
        ("-- severity: warn\n-- dimension: mood\n-- Rule.\nselect 1", "line 2 must be"),
        ("-- severity: warn\n-- dimension: change\nselect 1", "line 3 must be a comment"),
    ],
)
def test_a_check_without_its_header_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a_check.sql").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=reason):
        scripts._check(tmp_path / "a_check.sql")
