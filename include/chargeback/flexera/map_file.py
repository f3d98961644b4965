"""The file that says where the API keeps each of our columns, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from chargeback.flexera.values import CONVERTERS, boolean_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Converter = Callable[[Any], Any]

_NUMBER_TYPES = ("quantity", "money")
_TEXT_TYPES = ("id", "text", "enum")
# Per column the types it may have: those that its place in the warehouse can hold.
LICENSE_TYPES: dict[str, tuple[str, ...]] = {
    "license_id": _TEXT_TYPES,
    "license_name": _TEXT_TYPES,
    "license_type": _TEXT_TYPES,
    "publisher": _TEXT_TYPES,
    "license_status": _TEXT_TYPES,
    "edition": _TEXT_TYPES,
    "version": _TEXT_TYPES,
    "expires_on": ("date",),
    "purchased": _NUMBER_TYPES,
    "consumed": _NUMBER_TYPES,
}
LINE_TYPES: dict[str, tuple[str, ...]] = {
    "device_id": _TEXT_TYPES,
    "device_name": _TEXT_TYPES,
    "device_type": _TEXT_TYPES,
    "device_location": _TEXT_TYPES,
    "device_cost_center": _TEXT_TYPES,
    "device_corporate_unit": _TEXT_TYPES,
    "user_id": _TEXT_TYPES,
    "user_name": _TEXT_TYPES,
    "user_location": _TEXT_TYPES,
    "user_cost_center": _TEXT_TYPES,
    "user_corporate_unit": _TEXT_TYPES,
    "host_id": _TEXT_TYPES,
    "host_name": _TEXT_TYPES,
    "host_cores": _NUMBER_TYPES,
    "host_installed_cores": _NUMBER_TYPES,
    "host_consuming_cores": _NUMBER_TYPES,
    "host_processors": _NUMBER_TYPES,
    "cluster_id": _TEXT_TYPES,
    "cluster_name": _TEXT_TYPES,
    "cluster_cores": _NUMBER_TYPES,
    "cluster_installed_cores": _NUMBER_TYPES,
    "cluster_consuming_cores": _NUMBER_TYPES,
    "cores": _NUMBER_TYPES,
    "capped_cores": _NUMBER_TYPES,
    "processors": _NUMBER_TYPES,
    "points_per_core": _NUMBER_TYPES,
    "is_eligible_for_sub_capacity": ("boolean",),
    "is_allocated": ("boolean",),
    "consuming_installations": _NUMBER_TYPES,
    "overridden_consumption": _NUMBER_TYPES,
    "machine_consumption": _NUMBER_TYPES,
    "host_consumption": _NUMBER_TYPES,
    "cost_per_right": _NUMBER_TYPES,
    "recharged_consumption": _NUMBER_TYPES,
    "recharged_cost": _NUMBER_TYPES,
    "currency": ("currency", *_TEXT_TYPES),
    "recharge_approach": _TEXT_TYPES,
}
PRODUCT_TYPES: dict[str, tuple[str, ...]] = {"product_name": _TEXT_TYPES, "is_supplementary": ("boolean",)}
INSTANCE_TYPES: dict[str, tuple[str, ...]] = {"instance_name": _TEXT_TYPES}
POOL_TYPES: dict[str, tuple[str, ...]] = {"pool_name": _TEXT_TYPES, "pool_capped_cores": _NUMBER_TYPES}
LIST_TYPES = {**PRODUCT_TYPES, **INSTANCE_TYPES, **POOL_TYPES}
ENTITIES = {"license": LICENSE_TYPES, "consumption": {**LINE_TYPES, **LIST_TYPES}}

_BOOLEANS = "booleans"
_SETTINGS = ("paths", "type", "required", "essential", "default")
_NAME = r"[^.\[\]\s]+"
_PLAIN_PATH = re.compile(rf"{_NAME}(\.{_NAME})*")
_LIST_PATH = re.compile(rf"{_NAME}(\.{_NAME})*\[\](\.{_NAME})*")

Columns = dict[str, "Column"]
Entries = dict[str, tuple[yaml.Node, int]]


@dataclass(frozen=True, slots=True)
class Column:
    """One line of the map."""

    paths: tuple[str, ...]
    convert: Converter
    is_required: bool
    is_essential: bool
    default: str | None


def columns_of(text: str) -> tuple[dict[str, Columns], list[str]]:
    """The columns of both entities, and everything that is wrong with the file."""
    mistakes: list[str] = []
    try:
        document = _entries(yaml.compose(text, Loader=yaml.SafeLoader), mistakes)
    except yaml.YAMLError as error:
        return {}, [f"not YAML ({' '.join(str(error).split())})"]
    mistakes += _unknown("the map", document, (*ENTITIES, _BOOLEANS))
    mistakes += [f"part {part!r} is missing" for part in (*ENTITIES, _BOOLEANS) if part not in document]
    converters = dict(CONVERTERS)
    if _BOOLEANS in document:
        converters["boolean"] = boolean_by(_words(_entries(document[_BOOLEANS][0], mistakes), mistakes))
    return {
        entity: _entity_columns(entity, _entries(document[entity][0], mistakes), converters, mistakes)
        for entity in ENTITIES
        if entity in document
    }, mistakes


def _words(entries: Entries, mistakes: list[str]) -> dict[str, bool]:
    """The words for true and for false, as they are written; YAML's own words for them are texts here."""
    words: dict[str, bool] = {}
    mistakes += _unknown(_BOOLEANS, entries, ("true", "false"))
    for truth in (True, False):
        node, line = entries.get(str(truth).lower(), (None, 0))
        listed = node.value if isinstance(node, yaml.SequenceNode) else []
        found = {item.value.strip().casefold() for item in listed if isinstance(item, yaml.ScalarNode)}
        if not found or len(listed) != len(found):
            mistakes.append(f"line {line}: {_BOOLEANS}.{str(truth).lower()} needs a list of different words")
        mistakes += [f"line {line}: {word!r} is both true and false" for word in found & words.keys()]
        words |= dict.fromkeys(found, truth)
    return words


def _entries(node: yaml.Node | None, mistakes: list[str]) -> Entries:
    """The entries of a YAML mapping, with the lines they stand on."""
    if not isinstance(node, yaml.MappingNode):
        mistakes.append(f"line {node.start_mark.line + 1 if node else 1}: names with values belong here")
        return {}
    entries: Entries = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in entries:
            mistakes.append(f"line {line}: {key.value!r} stands here for the second time")
        entries[key.value] = (value, line)
    return entries


def _entity_columns(
    entity: str, entries: Entries, converters: Mapping[str, Converter], mistakes: list[str]
) -> Columns:
    types = ENTITIES[entity]
    mistakes += _unknown(entity, entries, types)
    mistakes += [f"column {entity}.{name} is missing" for name in types if name not in entries]
    columns: Columns = {}
    for name in types.keys() & entries.keys():
        node, line = entries[name]
        spec = yaml.SafeLoader("").construct_document(node)
        wrong = list(_mistakes_in(name, spec, types[name]))
        mistakes += [f"line {line}: {entity}.{name} {mistake}" for mistake in wrong]
        if not wrong:
            columns[name] = _column(spec, converters)
    return columns


def _unknown(part: str, entries: Entries, known: Iterable[str]) -> list[str]:
    return [
        f"line {line}: {part} has no place for {name!r}"
        for name, (_, line) in entries.items()
        if name not in known
    ]


def _column(spec: dict[str, Any], converters: Mapping[str, Converter]) -> Column:
    return Column(
        tuple(spec["paths"]),
        converters.get(spec["type"], str),
        spec.get("required", False),
        spec.get("essential", True),
        spec.get("default"),
    )


def _mistakes_in(name: str, spec: Any, types: tuple[str, ...]) -> Iterable[str]:
    if not isinstance(spec, dict):
        yield "must have paths and a type"
        return
    yield from (f"has the unknown setting {key!r}" for key in spec if key not in _SETTINGS)
    if spec.get("type") not in types:
        yield f"needs a type of {', '.join(types)}, not {spec.get('type')!r}"
    for setting in ("required", "essential"):
        if not isinstance(spec.get(setting, True), bool):
            yield f"needs {setting} to be true or false"
    yield from _path_mistakes(name, spec.get("paths"), spec.get("required", False))
    default = spec.get("default")
    if default is not None and not (isinstance(default, str) and set(_TEXT_TYPES) <= set(types)):
        yield "has a default, which must be text, for a column of text"


def _path_mistakes(name: str, paths: Any, is_required: Any) -> Iterable[str]:
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        yield "needs paths, a list of texts"
        return
    if is_required is True and not paths:
        yield "is required, but has no paths"
    is_list = name in LIST_TYPES
    pattern, form = (_LIST_PATH, "list[].name") if is_list else (_PLAIN_PATH, "name or object.name")
    yield from (
        f"has the path {path!r}, not of the form {form}" for path in paths if not pattern.fullmatch(path)
    )
