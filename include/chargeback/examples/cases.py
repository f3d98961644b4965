"""What an example becomes: licenses with their nodes, a method each, and how to read the answer off the results."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from chargeback.examples.inputs import InputError, Inputs, is_number
from chargeback.methods import Catalog, Method

if TYPE_CHECKING:
    from decimal import Decimal

Node = dict[str, Any]
# What examples call the figures of a license, the shares of its consumers and what they cost.
_CONSUMPTION = (
    *(
        "consumption",
        "consumed",
        "license",
        "licenses",
        "license_consumption",
        "required",
        "required_licenses",
    ),
    *(
        "total",
        "total_consumption",
        "host",
        "host_consumption",
        "points",
        "units",
        "rvu",
        "pvu",
        "vpc",
        "nup",
    ),
)
_SHARES = (
    *("vm", "vms", "device", "devices", "server", "servers", "user", "users", "consumer", "consumers"),
    *("shares", "split", "allocation", "recharged", "per_vm", "per_device", "per_server", "by_vm"),
)
_COSTS = ("cost", "costs", "recharged_cost")
_MOST_DECIMALS = 18
# So many more than an example wants, or shares are settled at what it wants.
SPARE_DECIMALS = 6
# Of so many of one kind a machine each is made.
_MOST = 200_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """One license of an example: its capacity tree, the method that works it out, and the decimals of its shares."""

    method: Method
    nodes: Sequence[Node] = ()
    quantity: Decimal | None = None
    price: Mapping[str, Any] | None = None
    tiers: Sequence[tuple[Decimal | None, Decimal]] | None = None
    scale: int | None = None

    @property
    def share_scale(self) -> int:
        """The decimals at which shares are settled: the method's, or enough to be rounded to the example's own."""
        if self.scale is None:
            return self.method.share_scale
        return self.scale if self.scale > _MOST_DECIMALS - SPARE_DECIMALS else _MOST_DECIMALS

    @property
    def is_coarse(self) -> bool:
        """Whether the example wants its shares with fewer decimals than they are settled at."""
        return self.scale is not None and self.scale < self.share_scale


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the warehouse made of a license: figures by node, shares and costs by consumer, and its price."""

    consumption: Decimal
    exact: Decimal
    quantities: Mapping[str, Decimal | None]
    capacities: Mapping[str, Decimal | None]
    shares: Mapping[str, Decimal]
    costs: Mapping[str, Decimal | None]
    price: Mapping[str, Any] | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer in each form an example may expect: one number, a list, names with values, or none at all.

    Where a value has forms itself, as the answers of a table have, it is an answer too.
    """

    number: Decimal | None = None
    items: Sequence[Any] | None = None
    shares: Mapping[str, Any] | None = None
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    is_nothing: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """The licenses to work out, and the answer in their results."""

    licenses: Sequence[License]
    answer: Callable[[Sequence[Result]], Answer]


Prepare = Callable[[Inputs], Case]


@dataclasses.dataclass(frozen=True, slots=True)
class Calculation:
    """What an example may name as its `calc`: all its names, what it is, and how its inputs become a case."""

    names: tuple[str, ...]
    summary: str
    prepare: Prepare
    each: str | None = None


CALCULATIONS: dict[str, Calculation] = {}
# What may stand behind the name of a calculation: how it is put to its inputs.
FORMS: dict[str, Callable[[Calculation, Inputs], Case]] = {
    "_table": lambda of, inputs: _table(of, inputs),
    "_split": lambda of, inputs: of.prepare(inputs),
    "_packs": lambda of, inputs: _in_packs(of, inputs),
}


def calculation(*names: str, each: str | None = None) -> Callable[[Prepare], Prepare]:
    """Make a function the calculation of these names; numbers as input `each` ask for a list of answers."""

    def register(function: Prepare) -> Prepare:
        registered = Calculation(names, inspect.getdoc(function) or "", function, each)
        CALCULATIONS.update(dict.fromkeys(names, registered))
        return function

    return register


def find(name: str) -> Calculation | None:
    """What works out the examples of a name, as the form that stands behind it wants."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    for suffix, form in FORMS.items():
        base = CALCULATIONS.get(plain.removesuffix(suffix)) if plain.endswith(suffix) else None
        if base is not None:
            return dataclasses.replace(base, prepare=_finishing(partial(form, base)))
    known = CALCULATIONS.get(plain)
    return known and dataclasses.replace(known, prepare=_finishing(partial(_plainly, known)))


def nearest(name: str) -> list[str]:
    """The names of calculations that look most like one that is none."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return difflib.get_close_matches(plain, CALCULATIONS, n=4)


def _finishing(prepare: Prepare) -> Prepare:
    return lambda inputs: _finished(prepare(inputs), inputs)


def _plainly(of: Calculation, inputs: Inputs) -> Case:
    """One case, or a list of them where numbers are given for what is one number."""
    value = inputs.lists().get(of.each or "")
    if value is None or not all(map(is_number, value)):
        return of.prepare(inputs)
    return _rows(of, inputs, {str(of.each): value})


def _in_packs(of: Calculation, inputs: Inputs) -> Case:
    """The license in packs, of two unless the example says how many."""
    if inputs.has("pack", "pack_size"):
        return of.prepare(inputs)
    case = of.prepare(inputs.with_value("pack", 2))
    if all(each.method.units_per_right is None for each in case.licenses):
        raise InputError(f"{of.names[0]} is not counted in packs")
    return case


def _table(of: Calculation, inputs: Inputs) -> Case:
    """A case for each row of the lists of equal length that the example has as its table."""
    lists = inputs.lists()
    first = of.each if of.each in lists else next(iter(lists), None)
    if first is None:
        return of.prepare(inputs)
    columns = {name: value for name, value in lists.items() if len(value) == len(lists[first])}
    return _rows(of, inputs, columns)


def _rows(of: Calculation, inputs: Inputs, columns: Mapping[str, Sequence[Any]]) -> Case:
    rows = list(zip(*columns.values(), strict=True))
    cases = [of.prepare(inputs.with_row(tuple(columns), row)) for row in rows]
    names = [_row_name(row) for row in rows]
    licenses = [each for case in cases for each in case.licenses]
    return Case(licenses, lambda results: _listed(cases, names, results))


def _row_name(row: Sequence[object]) -> str:
    """The name of a row of a table: its numbers."""
    return ", ".join(map(str, row))


def price_of(inputs: Inputs) -> dict[str, object] | None:
    """The price per right that an example gives, and its currency, or the number of decimals of the currency."""
    price = inputs.number_or_none("cost_per_right", "price_per_right", "price")
    currency = inputs.value("currency")
    scale = inputs.number_or_none("currency_scale", "cost_scale", "money_scale")
    if price is None:
        return None
    return {
        "cost_per_right": price,
        "currency": currency,
        "currency_scale": None if scale is None else whole(scale, "currency_scale"),
    }


def _finished(case: Case, inputs: Inputs) -> Case:
    """The case with a name of its own for each machine, and the price and the decimals of the example."""
    price, scale = price_of(inputs), scale_of(inputs)
    licenses = [
        dataclasses.replace(
            each,
            nodes=_distinct(each.nodes),
            price=each.price or price,
            scale=scale if each.scale is None else each.scale,
        )
        for each in case.licenses
    ]
    return Case(licenses, case.answer)


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    """The nodes; a name that was taken already gets a number behind it."""
    parents = {node.get("parent_node_id") for node in nodes}
    seen: Counter[str] = Counter()
    distinct: list[Node] = []
    for node in nodes:
        name = node["node_id"]
        seen[name] += 1
        if seen[name] > 1 and name in parents:
            raise InputError(f"{name} stands twice")
        distinct.append(node if seen[name] == 1 else {**node, "node_id": f"{name} ({seen[name]})"})
    return distinct


def _listed(cases: Sequence[Case], names: Sequence[str], results: Sequence[Result]) -> Answer:
    remaining = iter(results)
    answers = [case.answer(list(itertools.islice(remaining, len(case.licenses)))) for case in cases]
    return Answer(
        items=answers,
        number=answers[0].number if len(answers) == 1 else None,
        shares=dict(zip(names, answers, strict=True)),
    )


@cache
def _catalog() -> Catalog:
    return Catalog.read()


def method(method_id: str, **changes: Any) -> Method:
    """A method of the catalog, with what the example says otherwise."""
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(_catalog().methods[method_id], **given)


def scale_of(inputs: Inputs, default: int | None = None) -> int | None:
    """The decimals an example wants its shares rounded to; None for as they are settled."""
    scale = inputs.number_or_none("scale")
    if scale is None:
        return default
    if scale != int(scale) or not 0 <= scale <= _MOST_DECIMALS:
        raise InputError(f"input scale is {scale}, not a whole number from 0 to {_MOST_DECIMALS}")
    return int(scale)


def whole(value: Decimal, name: str) -> int:
    """A number of things that are counted one by one."""
    if value != int(value) or not 0 <= value <= _MOST:
        raise InputError(f"input {name} is {value}, not a whole number from 0 to {_MOST}")
    return int(value)


def repeated(nodes: Sequence[Node], count: Decimal) -> list[Node]:
    """A node as many times as there are of it, each under a name of its own."""
    times = whole(count, "count")
    if times == 1:
        return list(nodes)
    return [
        {**node, "node_id": f"{node['node_id']}#{number}"} for node in nodes for number in range(1, times + 1)
    ]


def consumption(results: Sequence[Result]) -> Answer:
    """The license's consumption, and its shares for those who ask."""
    [result] = results
    return Answer(
        number=result.consumption,
        items=list(result.shares.values()),
        shares=result.shares,
        figures={
            **dict.fromkeys(_CONSUMPTION, result.consumption),
            **dict.fromkeys(_SHARES, result.shares),
            **dict.fromkeys(_COSTS, result.costs),
        },
    )
