"""Read a file of worked examples; what is wrong with one of them is kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from chargeback.errors import SettingsInvalid

EXAMPLES_FILE = Path(__file__).resolve().parents[2] / "config" / "worked_examples.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example as it stands in the file."""

    example_id: str
    license_type: str
    calculation: str
    inputs: Any
    expected: Any
    has_expected: bool = True


class _Loader(yaml.SafeLoader):
    """Decimals are read exactly."""


def _decimal(_loader: _Loader, node: yaml.ScalarNode) -> Decimal | str:
    """The number as it is written, .inf and .nan too; what YAML alone takes for one (1:30.5) stays a text."""
    text = str(node.value).replace("_", "").lower()
    try:
        return Decimal(text.replace(".inf", "inf").replace(".nan", "nan"))
    except InvalidOperation:
        return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def read(path: Path) -> list[Example]:
    """The examples of a file, in their order."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise SettingsInvalid(f"{path}: {error.strerror}{where}. Name a file of worked examples.") from error
    except (yaml.YAMLError, UnicodeDecodeError, ArithmeticError) as error:
        raise SettingsInvalid(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    entries = document.get("examples") if isinstance(document, dict) else document
    if not isinstance(entries, list) or not entries:
        raise SettingsInvalid(f"{path} has no list 'examples'.")
    return [_example(number, entry) for number, entry in enumerate(entries, start=1)]


def _example(number: int, entry: object) -> Example:
    values: dict[Any, Any] = entry if isinstance(entry, dict) else {}
    return Example(
        example_id=str(values.get("id") or f"example {number}"),
        license_type=str(values.get("license_type") or "any"),
        calculation=str(values.get("calc") or "").strip(),
        inputs=values.get("inputs", {}),
        expected=values.get("expected"),
        has_expected="expected" in values,
    )
