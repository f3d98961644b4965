"""The catalog of recharge methods: which named, versioned rules a license may be charged by."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from chargeback.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

METHODS_FILE = Path(__file__).resolve().parents[1] / "config" / "methods.yaml"

_METHOD_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\.v[1-9][0-9]*")
_CORES = ("cores", "capped_cores")
_COUNTED = (*_CORES, "processors", "threads", "users", "installations", "devices")
# What each family can count and share by; what it does not name here would be silently ignored by its SQL.
FAMILIES: dict[str, dict[str, tuple[Any, ...]]] = {
    "capacity": {
        "measure": ("capped_cores", "threads", "processors"),
        "weight": (*_CORES, "equal"),
        "residue_policy": ("pro_rata", "separate_row"),
        "is_total_given": (False, True),
    },
    "cluster": {
        "measure": ("cores",),
        "weight": (*_CORES, "equal"),
        "residue_policy": ("pro_rata", "separate_row"),
    },
    "host_cores": {"measure": ("cores",), "weight": (*_CORES, "equal", "quantity"), "round_at": ("none",)},
    "consumers": {
        "measure": _COUNTED,
        "weight": ("quantity", "equal", "cores", "users", "installations"),
        "residue_policy": ("pro_rata", "separate_row"),
        "is_by_allocation": (False, True),
    },
    "named_users": {
        "measure": ("users",),
        "weight": ("larger", "users", "minimum", "equal"),
        "round_at": ("group", "partition", "none"),
    },
    "tiers": {"measure": _COUNTED, "weight": ("quantity", "equal"), "round_at": ("sum", "none")},
    "fixed_amount": {
        "measure": ("amount",),
        "weight": (*_CORES, "processors", "equal", "users", "installations", "configured", "percent"),
        "round_at": ("none",),
    },
    "as_recharged": {"measure": ("amount",), "weight": ("quantity",), "round_at": ("none",)},
}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "family": tuple(FAMILIES),
    "layers": ("flat", "layered"),
    "round_at": ("none", "partition", "group", "sum"),
    "residue_policy": ("pro_rata",),
    "scope": ("host", "cluster"),
    "is_sub_capacity": (False, True),
    "is_total_given": (False,),
    "is_by_allocation": (False,),
    "factor_source": ("none", "points_per_core", "core_factor"),
}
_REQUIRED = ("family", "measure", "weight", "explanation", "source")
_NUMBERS = (
    "factor",
    "minimum_per_processor",
    "minimum_per_device",
    "minimum_per_license",
    "machines_per_layer",
    "units_per_right",
)
_NAMES = ("minimum_list", "cloud_list", "tier_list", "explanation", "source")
# What a license's capacity tree may have in it; a method that needs what is not there would give what another gives.
FEATURES = (
    *("clusters", "hosts", "pools", "caps", "clouds", "processors", "stand_alone"),
    *("installations", "allocations"),
)
_CONDITIONS = ("license_ids", "publishers", "license_types")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One rule: how a license's consumption is counted, and how it is shared."""

    method_id: str
    family: str
    measure: str
    weight: str
    layers: str = "flat"
    round_at: str = "none"
    residue_policy: str = "pro_rata"
    scope: str = "host"
    is_sub_capacity: bool = True
    is_total_given: bool = False
    is_by_allocation: bool = False
    factor_source: str = "none"
    factor: Decimal | None = None
    minimum_list: str | None = None
    minimum_per_processor: Decimal | None = None
    minimum_per_device: Decimal | None = None
    minimum_per_license: Decimal | None = None
    machines_per_layer: Decimal | None = None
    units_per_right: Decimal | None = None
    cloud_list: str | None = None
    tier_list: str | None = None
    share_scale: int = 12
    needs: tuple[str, ...] = ()
    explanation: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The methods of licenses that fulfill every condition, in place of those of their type."""

    methods: tuple[str, ...]
    license_ids: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    license_types: tuple[str, ...] = ()

    def covers(self, license_: LicenseFacts) -> bool:
        """Whether the license fulfills every condition; one that is not set is fulfilled by all."""
        return (
            (not self.license_ids or license_.license_id in self.license_ids)
            and _is_like(license_.publisher, self.publishers)
            and _is_like(license_.license_type, self.license_types)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseFacts:
    """What the catalog looks at to pick a license's candidates.

    `consumed` is the license's total by the API, for methods that share a given total instead of counting one.
    """

    license_id: str
    license_type: str | None = None
    publisher: str | None = None
    consumed: Decimal | None = None
    features: Collection[str] = FEATURES


# The columns of intermediate.int_license_terms, in the order of `Catalog.terms`.
_PARAMETERS = tuple(
    field.name
    for field in fields(Method)
    if field.name not in ("method_id", "family", "is_total_given", "needs", "explanation", "source")
)
TERM_COLUMNS = (
    "load_id",
    "term_number",
    "license_id",
    "method_id",
    "family",
    *_PARAMETERS,
    "license_quantity",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All methods, and which of them a license may be charged by."""

    methods: Mapping[str, Method]
    license_types: Mapping[str, tuple[str, ...]]
    overrides: tuple[Override, ...]
    default: tuple[str, ...]

    @classmethod
    def read(cls, path: Path = METHODS_FILE) -> Catalog:
        """The catalog in a file; everything that is wrong with it is told at once."""
        return cls.parse(path.read_text(encoding="utf-8"), str(path))

    @classmethod
    def parse(cls, text: str, name: str = "methods.yaml") -> Catalog:
        """The catalog in a YAML text."""
        mistakes: list[str] = []
        catalog = _catalog(_document(text, mistakes), mistakes)
        if mistakes:
            raise SettingsInvalid(f"{name}: {'; '.join(mistakes)}. Correct the file.")
        return catalog

    def candidates(self, license_: LicenseFacts) -> tuple[Method, ...]:
        """The methods a license may be charged by, the likeliest first.

        Those of an override as they are; those of its type where the license has what they need, or else the first.
        """
        chosen = self._override(license_)
        method_ids = chosen or self._of_type(license_) or self.default
        methods = tuple(self.methods[method_id] for method_id in method_ids)
        if chosen:
            return methods
        return (
            tuple(method for method in methods if set(method.needs) <= set(license_.features)) or methods[:1]
        )

    def has_rule_for(self, license_: LicenseFacts) -> bool:
        """Whether the file says how to charge such a license, so that it does not fall to the default."""
        return bool(self._override(license_) or self._of_type(license_))

    def _override(self, license_: LicenseFacts) -> tuple[str, ...] | None:
        return next((override.methods for override in self.overrides if override.covers(license_)), None)

    def _of_type(self, license_: LicenseFacts) -> tuple[str, ...] | None:
        return self.license_types.get((license_.license_type or "").strip().lower())

    def terms(self, load_id: int, licenses: Iterable[LicenseFacts]) -> list[tuple[object, ...]]:
        """Rows of intermediate.int_license_terms (TERM_COLUMNS): one per license and candidate, numbered."""
        pairs = [(license_, method) for license_ in licenses for method in self.candidates(license_)]
        return [
            term(load_id, number, license_.license_id, method, license_.consumed)
            for number, (license_, method) in enumerate(pairs, start=1)
        ]


def term(
    load_id: int, term_number: int, license_id: str, method: Method, consumed: Decimal | None
) -> tuple[object, ...]:
    """One row of intermediate.int_license_terms; `consumed` is kept only where the method shares a given total."""
    license_quantity = consumed if method.is_total_given or method.family == "fixed_amount" else None
    return (
        load_id,
        term_number,
        license_id,
        method.method_id,
        method.family,
        *(getattr(method, name) for name in _PARAMETERS),
        license_quantity,
    )


def _is_like(value: str | None, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatch.fnmatchcase((value or "").lower(), glob.lower()) for glob in globs)


class _Loader(yaml.SafeLoader):
    """Fractions stay texts, so that they are read as exact decimals, and a name may stand only once."""


def _document(text: str, mistakes: list[str]) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mistakes.append(f"not YAML ({' '.join(str(error).split())})")
        return {}
    if not isinstance(document, dict):
        mistakes.append("names with values belong here")
        return {}
    return document


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        line = node.start_mark.line + 1
        raise yaml.YAMLError(f"{', '.join(repeated)} stands twice in the entry of line {line}")
    loader.flatten_mapping(node)
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _whole(_loader: _Loader, node: yaml.ScalarNode) -> int | str:
    """A whole number; an id such as 041215, which YAML alone takes for one of base 8, stays as it is written."""
    text = str(node.value)
    return int(text) if re.fullmatch(r"-?(0|[1-9][0-9]*)", text) else text


_Loader.add_constructor("tag:yaml.org,2002:float", lambda _loader, node: str(node.value))
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


def _catalog(document: dict[str, Any], mistakes: list[str]) -> Catalog:
    parts = ("methods", "license_types", "overrides", "default")
    if document:
        mistakes += [f"unknown part {part!r}" for part in document if part not in parts]
        mistakes += [f"part {part!r} is missing" for part in parts if part not in document]
    specs = _part(document, "methods", mistakes)
    methods = {
        method_id: method
        for method_id, spec in specs.items()
        if (method := _method(str(method_id), spec, mistakes)) is not None
    }
    license_types: dict[str, tuple[str, ...]] = {}
    for license_type, value in _part(document, "license_types", mistakes).items():
        name = str(license_type).lower()
        if name in license_types:
            mistakes.append(f"license type {license_type!r} stands twice")
        license_types[name] = _method_ids(f"license type {license_type!r}", value, specs, mistakes)
    return Catalog(
        methods=methods,
        license_types=license_types,
        overrides=_overrides(document.get("overrides") or [], specs, mistakes),
        default=_method_ids("default", document.get("default", []), specs, mistakes) if document else (),
    )


def _part(document: dict[str, Any], part: str, mistakes: list[str]) -> dict[str, Any]:
    value = document.get(part, {})
    if isinstance(value, dict):
        return value
    mistakes.append(f"{part} must be names with values")
    return {}


def _method_ids(where: str, value: Any, methods: Mapping[str, Any], mistakes: list[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        mistakes.append(f"{where} needs a list of one or more methods")
        return ()
    mistakes += [f"{where} names the unknown method {name!r}" for name in value if str(name) not in methods]
    if len(set(map(str, value))) < len(value):
        mistakes.append(f"{where} names a method twice")
    return tuple(map(str, value))


def _overrides(value: Any, methods: Mapping[str, Any], mistakes: list[str]) -> tuple[Override, ...]:
    if not isinstance(value, list):
        mistakes.append("overrides must be a list")
        return ()
    overrides = []
    for number, entry in enumerate(value, start=1):
        where = f"override {number}"
        if not isinstance(entry, dict) or not any(entry.get(name) for name in _CONDITIONS):
            mistakes.append(f"{where} needs a condition ({', '.join(_CONDITIONS)}) and methods")
            continue
        mistakes += [
            f"{where} has the unknown setting {key!r}"
            for key in entry
            if key not in (*_CONDITIONS, "methods")
        ]
        conditions = {name: entry.get(name, []) for name in _CONDITIONS}
        if wrong := [name for name, texts in conditions.items() if not isinstance(texts, list)]:
            mistakes.append(f"{where}: {', '.join(wrong)} must be a list")
            continue
        mistakes += [
            f"{where}: {name} has {value!r}, not a text"
            for name, values in conditions.items()
            for value in values
            if not isinstance(value, int | str) or isinstance(value, bool)
        ]
        overrides.append(
            Override(
                methods=_method_ids(where, entry.get("methods"), methods, mistakes),
                **{name: tuple(map(str, texts)) for name, texts in conditions.items()},
            )
        )
    return tuple(overrides)


def _method(method_id: str, spec: Any, mistakes: list[str]) -> Method | None:
    """A method of the file; None, and what is wrong with it, if it cannot be one."""
    where = f"method {method_id}"
    if not isinstance(spec, dict):
        mistakes.append(f"{where} needs a family, a measure and a weight")
        return None
    given = {name: value for name, value in spec.items() if value is not None}
    values: dict[str, Any] = {}
    found = [f"{where} {mistake}" for mistake in _mistakes_of(method_id, given, values)]
    mistakes += found
    return None if found else Method(method_id=method_id, **values)


def _mistakes_of(method_id: str, given: dict[str, Any], values: dict[str, Any]) -> Iterable[str]:
    """What is wrong with the settings of a method; those that are right are put into `values`."""
    if not _METHOD_ID.fullmatch(method_id):
        yield "is no id: dotted lower-case words that end in a version, like device.each.v1"
    yield from (f"needs {name}" for name in _REQUIRED if name not in given)
    family = FAMILIES.get(str(given.get("family")), {})
    for name, value in given.items():
        choices = family.get(name) or _CHOICES.get(name)
        if choices is not None:
            if value not in choices:
                yield f"has {name} {value!r}, not one of {', '.join(map(str, choices))}"
            values[name] = value
        elif name in _NUMBERS:
            number = _number(value)
            if number is None:
                yield f"has {name} {value!r}, not a number of 0 or more"
            values[name] = number
        elif name in _NAMES:
            values[name] = " ".join(str(value).split())
        elif name == "needs":
            texts = value if isinstance(value, list) else [value]
            if unknown := [text for text in texts if text not in FEATURES]:
                yield f"needs {', '.join(map(repr, unknown))}, not one of {', '.join(FEATURES)}"
            values[name] = tuple(texts)
        elif name == "share_scale" and isinstance(value, int) and 0 <= value <= 12:
            values[name] = value
        elif name == "share_scale":
            yield f"has share_scale {value!r}, not a whole number from 0 to 12"
        elif name not in ("measure", "weight"):
            yield f"has the unknown setting {name!r}"
    yield from _contradictions(given)


def _contradictions(given: dict[str, Any]) -> Iterable[str]:
    """Settings that are right one by one and wrong together."""
    if given.get("family") == "tiers" and not given.get("tier_list"):
        yield "needs a tier_list"
    is_rounded = given.get("family") == "named_users" or given.get("round_at") == "partition"
    if given.get("cloud_list") and not is_rounded:
        yield "has a cloud_list, and so must round at each partition"
    if (
        given.get("family") == "capacity"
        and given.get("layers") == "layered"
        and given.get("weight") != "capped_cores"
    ):
        yield "goes down by layers, and so must share by capped_cores, which pools have too"
    for name in ("machines_per_layer", "units_per_right"):
        if name in given and _number(given[name]) == 0:
            yield f"has {name} 0"


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
