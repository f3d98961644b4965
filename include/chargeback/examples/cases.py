"""What an example becomes: licenses with their nodes, a method each, and how to read the answer off the results."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from chargeback.examples.inputs import InputError, Inputs
from chargeback.methods import Catalog, Method

Node = dict[str, Any]
# What examples call the consumers of a license.
_SHARES = ("vm", "vms", "device", "devices", "server", "servers", "user", "users", "consumer", "shares")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """One license of an example: its capacity tree, and the method that works it out."""

    method: Method
    nodes: Sequence[Node] = ()
    quantity: Decimal | None = None
    price: Mapping[str, Any] | None = None
    tiers: Sequence[tuple[Decimal | None, Decimal]] = ()


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
    """The answer in each form an example may expect: one number, a list, or names with values."""

    number: Decimal | None = None
    items: Sequence[Decimal] | None = None
    shares: Mapping[str, Decimal] | None = None
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """The licenses to work out, and the answer in their results."""

    licenses: Sequence[License]
    answer: Callable[[Sequence[Result]], Answer]


Calculation = Callable[[Inputs], Case]
CALCULATIONS: dict[str, Calculation] = {}


def calculation(*names: str, each: str | None = None) -> Callable[[Calculation], Calculation]:
    """Make a function the calculation of these names; a list as input `each` asks for a list of answers."""

    def register(function: Calculation) -> Calculation:
        for name in names:
            CALCULATIONS[name] = _for_each(function, each) if each else function
        return function

    return register


def _for_each(function: Calculation, name: str) -> Calculation:
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


def scale_of(inputs: Inputs, default: int = 12) -> int:
    """The decimals an example wants its shares settled at."""
    scale = inputs.number("scale", default=default)
    if scale != int(scale) or not 0 <= scale <= 18:
        raise InputError(f"input scale is {scale}, not a whole number from 0 to 18")
    return int(scale)


def repeated(nodes: Sequence[Node], count: Decimal) -> list[Node]:
    """A node as many times as there are of it, each under a name of its own."""
    if count != int(count) or not 0 <= count <= 100_000:
        raise InputError(f"input count is {count}, not a whole number")
    if count == 1:
        return list(nodes)
    return [
        {**node, "node_id": f"{node['node_id']}#{number}"}
        for node in nodes
        for number in range(1, int(count) + 1)
    ]


def consumption(results: Sequence[Result]) -> Answer:
    """The license's consumption, and its shares for those who ask."""
    [result] = results
    return Answer(
        number=result.consumption,
        items=list(result.shares.values()),
        shares=result.shares,
        figures={
            "consumption": result.consumption,
            "license": result.consumption,
            **dict.fromkeys(_SHARES, result.shares),
            "cost": result.costs,
            "costs": result.costs,
        },
    )


def total(results: Sequence[Result]) -> Answer:
    """The consumption of all licenses of the example together."""
    return Answer(
        number=sum((result.consumption for result in results), Decimal(0)),
        items=[result.consumption for result in results],
    )
