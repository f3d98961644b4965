"""Pages of consumption with any JSON at any member, as text that no encoder had to approve of."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

ROW: dict[str, Any] = {
    "device": {
        "id": 90311,
        "name": "oradb-vm-01",
        "type": "Virtual Machine",
        "cores": 8,
        "location": "EMEA/France/Lyon",
        "costCenter": {"path": "IT/CC-4100", "name": "CC-4100"},
        "corporateUnit": "Group/Retail",
        "ownership": {"location": "EMEA"},
        "resourcePools": [{"name": "shared", "cappedCores": 6}],
    },
    "user": {"id": 5, "name": "ada", "costCenter": "IT"},
    "host": {"id": 88002, "name": "esx-01", "cores": 16, "installedCores": 8, "consumingCores": 16},
    "cluster": {"id": 1, "name": "vc-lyon-1", "cores": 32},
    "instances": [{"name": "PDB1"}],
    "products": [{"name": "Database", "isSupplementary": False}],
    "consumingInstallations": 1,
    "consumption": 1,
    "hostConsumption": 8,
    "allocated": True,
    "eligibleForSubCapacity": False,
    "overriddenConsumption": None,
    "hostId": 7,
    "location": None,
    "rules": {"points": [1, 2]},
    "chargeback": {"costPerRight": 10.5, "consumption": 2, "cost": 21.00, "approach": "x", "currency": "EUR"},
}
# What other writers of JSON make, as they write it.
ODD = (
    *("NaN", "Infinity", "-Infinity", "undefined", "007", "+1", "-0", "-0.0", "1E5", "41207.0", "1e400"),
    *("1e999999999999999999999", "0.1e-400", "9" * 40, "9" * 5000, "0." + "3" * 60, "1e38", "-1e-38"),
    *('"a\tb"', '"a\x01"', '"\\u0000"', '"\\ud800"', '"\\x41"', '"\\ud83d\\ude00"', '"\u00a0"', '"\u202e"'),
    *(
        '"Unlimited"',
        '"N/A"',
        '"-"',
        '"Y"',
        '"ja"',
        '"1.000,00"',
        '"EUR"',
        '" "',
        '""',
        '"%s\\\\N"',
        "[]",
        "{}",
    ),
    *('"0000-00-00"', '"Never"', '"/Date(12)/"', '"9999-12-31"', '"srv0"', '[{"cost": 1}, {"cost": 2}]'),
    *("[" * 70 + "]" * 70, "[" * 3000 + "]" * 3000, '{"a":' * 400 + "1" + "}" * 400),
    *(
        '{"a": 1, "a": 2}',
        '{"path": "A", "path": "B"}',
        '{"name": {"name": "x"}}',
        "[1, 2,]",
        '{"n\\u0000": 1}',
    ),
)
NOT_JSON = ("1 2", '{"a" 1}', "nonsense", '{"a": 1,, "b": 2}', "'a'", '{"cost": 1} {"cost": 2}')

JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
).map(json.dumps)
VALUES = st.sampled_from(ODD) | JSON_TEXTS


class Written(str):
    """A value that is JSON text already."""

    __slots__ = ()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of every member of a value, at any depth."""
    names = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [each for name in names for each in ((*path, name), *places(value[name], (*path, name)))]


# Two currencies on one license refuse the load, which has a test of its own.
PLACES = [place for place in places(ROW) if place != ("chargeback", "currency")]


@st.composite
def rows(draw: Callable[[Any], Any]) -> str:
    """A row as text: a good one with other values, without members, with some twice, or something else."""
    if draw(st.integers(0, 19)) == 0:
        return str(draw(st.sampled_from(NOT_JSON) | VALUES))
    row = copy.deepcopy(ROW)
    row["device"]["id"] = draw(st.integers(1, 3))
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=4)):
        holder = holder_of(row, place)
        if holder is not None and draw(st.booleans()):
            holder[place[-1]] = Written(draw(VALUES))
        elif isinstance(holder, dict):
            holder.pop(place[-1], None)
    text = written(row)
    if draw(st.integers(0, 9)) == 0:
        name, value = draw(st.sampled_from(sorted(row))), draw(VALUES)
        text = f"{text[:-1]}, {json.dumps(name)} : {value}}}"
    return text


def holder_of(row: Any, place: tuple[Any, ...]) -> Any:
    """The object or list that a place is in; None where another value came between."""
    for name in place[:-1]:
        if isinstance(row, Written) or row is None or (isinstance(row, dict) and name not in row):
            return None
        row = row[name]
    return row if isinstance(row, dict | list) else None


def written(value: Any) -> str:
    """JSON text of a value that holds Written ones."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


@st.composite
def pages(draw: Callable[[Any], Any], most_rows: int = 6) -> list[list[str]]:
    """The rows of a license in any order, cut into pages of any size; a page may be empty."""
    all_rows = draw(st.lists(rows(), max_size=most_rows))
    size = draw(st.integers(1, most_rows))
    cut = [all_rows[start : start + size] for start in range(0, len(all_rows), size)]
    return cut or [[]]


def body(page: list[str], next_page: str | None = None) -> str:
    """The text of a page."""
    if not page:
        return json.dumps({"values": None, "nextPage": next_page})
    return f'{{"values": [{", ".join(page)}], "nextPage": {json.dumps(next_page)}}}'
