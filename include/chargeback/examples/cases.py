"""What an example becomes: licenses with their nodes, a method each, and how to read the answer off the results."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from chargeback.examples.inputs import InputError, Inputs
from chargeback.methods import Catalog, Method

Node = dict[str, Any]
# What examples call the figures of a license, the shares of its consumers and what they cost.
_CONSUMPTION = ("consumption", "consumed", "license", "licenses", "total", "host")
_SHARES = ("vm", "vms", "device", "devices", "server", "servers", "user", "users", "consumer", "shares")
_COSTS = ("cost", "costs")
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
        """The decimals at which shares are settled: the method's, or more where the example wants more."""
        return max(self.method.share_scale, self.scale or 0)

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
    """The answer in each form an example may expect: one number, a list, names with values, or none at all."""

    number: Decimal | None = None
    items: Sequence[Decimal] | None = None
    shares: Mapping[str, Decimal] | None = None
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


CALCULATIONS: dict[str, Calculation] = {}


def calculation(*names: str, each: str | None = None) -> Callable[[Prepare], Prepare]:
    """Make a function the calculation of these names; a list as input `each` asks for a list of answers."""

    def register(function: Prepare) -> Prepare:
        prepare = _for_each(function, each) if each else function
        registered = Calculation(
            names, inspect.getdoc(function) or "", lambda inputs: _finished(prepare(inputs), inputs)
        )
        CALCULATIONS.update(dict.fromkeys(names, registered))
        return function

    return register


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


def _for_each(function: Prepare, name: str) -> Prepare:
    def case(inputs: Inputs) -> Case:
        value = inputs.value(name)
        if not isinstance(value, list):
            return function(inputs)
        cases = [function(inputs.with_value(name, item)) for item in value]
        return Case(
            [each for case in cases for each in case.licenses], lambda results: _listed(cases, results)
        )

    return case


def _listed(cases: Sequence[Case], results: Sequence[Result]) -> Answer:
    remaining = iter(results)
    answers = [case.answer(list(itertools.islice(remaining, len(case.licenses)))) for case in cases]
    items = [answer.number for answer in answers if answer.number is not None]
    return Answer(items=items, number=items[0] if len(items) == 1 else None)


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
    if scale != int(scale) or not 0 <= scale <= 18:
        raise InputError(f"input scale is {scale}, not a whole number from 0 to 18")
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


def total(results: Sequence[Result]) -> Answer:
    """The consumption of all licenses of the example together."""
    return Answer(
        number=sum((result.consumption for result in results), Decimal(0)),
        items=[result.consumption for result in results],
    )
