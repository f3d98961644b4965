"""Calculations of amounts and prices: what is shared, what is left over, and what a right costs."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from chargeback.examples.cases import (
    Answer,
    Case,
    License,
    Node,
    calculation,
    consumption,
    method,
    price_of,
    scale_of,
)
from chargeback.examples.inputs import InputError, Inputs, entry, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chargeback.examples.cases import Result

_TOTAL = ("total", "amount", "cost", "consumption", "quantity", "charge", "fixed_amount")
_WEIGHTS = ("weights", "shares", "key", "keys", "direct", "headcount", "consumers", "vms", "targets")
_PERCENTAGES = ("percentages", "percent", "percents", "fixed_percentages")


@calculation(
    "largest_remainder",
    "fixed_amount",
    "split_or_unallocated",
    "proportional",
    "proportional_split",
    "fixed_key",
    "split",
    "conservation",
    "fixed_split",
    "cost_split",
)
def pro_rata(inputs: Inputs) -> Case:
    """A total shared by weights; without a weight it is unallocated, and less than nothing is its mirror."""
    if inputs.has(*_PERCENTAGES):
        return percentages(inputs)
    word = inputs.text("rule", "policy", "method", default="proportional")
    if word in ("even", "equal"):
        return even(inputs)
    return _fixed(inputs, "fixed_amount.configured.v1", inputs.entries(*_WEIGHTS, prefix="consumer"))


@calculation("even", "even_split", "equal_split", "split_even")
def even(inputs: Inputs) -> Case:
    """A total shared evenly."""
    value = inputs.value(*_WEIGHTS)
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return _fixed(inputs, "fixed_amount.even.v1", [(name, 1) for name in value])
    return _fixed(inputs, "fixed_amount.even.v1", inputs.entries(*_WEIGHTS, prefix="consumer"))


@calculation("fixed_percent", "percent", "percentages", "fixed_percentages")
def percentages(inputs: Inputs) -> Case:
    """A total shared by percentages; what they leave of 100 is unallocated."""
    entries = inputs.entries(*_PERCENTAGES, *_WEIGHTS, prefix="consumer")
    return _fixed(inputs, "fixed_amount.percent.v1", entries)


def _fixed(inputs: Inputs, method_id: str, entries: Sequence[tuple[str, object]]) -> Case:
    """An amount shared; one in a currency, without a scale, is shared in the minor units of the currency."""
    is_money = inputs.has("currency") and not inputs.has("scale")
    license_ = License(
        method=method(method_id),
        scale=None if is_money else scale_of(inputs, 2),
        nodes=[_consumer(name, value) for name, value in entries],
        quantity=inputs.number(*_TOTAL),
        price={"cost_per_right": 1, "currency": inputs.value("currency")} if is_money else None,
    )
    return Case([license_], _money if is_money else consumption)


def _money(results: Sequence[Result]) -> Answer:
    [result] = results
    return consumption([dataclasses.replace(result, shares=_costs(result))])


def _costs(result: Result) -> dict[str, Decimal]:
    return {name: cost for name, cost in result.costs.items() if cost is not None}


def _consumer(name: str, value: object) -> Node:
    weight = entry(value, "weight").number_or_none("weight", "percent", "value", "cores")
    return {"node_id": name, "node_type": "device", "allocation_weight": weight}


@calculation("reversal", "mirror", "credit", "largest_remainder_reversal", "reversal_mirror")
def reversal(inputs: Inputs) -> Case:
    """A charge taken back: each share is the exact mirror of what was charged."""
    if isinstance(inputs.value(*_TOTAL), dict):
        charged = {
            name: number(value, "charge") for name, value in inputs.entries(*_TOTAL, prefix="consumer")
        }
        decimals = max((-int(value.as_tuple().exponent) for value in charged.values()), default=0)
        inputs = inputs.with_value("scale", inputs.number("scale", default=max(decimals, 0)))
        inputs = inputs.with_value("weights", charged)
        inputs = inputs.with_value("total", sum(charged.values(), Decimal(0)))
    total = abs(inputs.number(*_TOTAL))
    cases = [pro_rata(inputs.with_value("total", sign * total)) for sign in (-1, 1)]

    def answer(results: Sequence[Result]) -> Answer:
        back, charge = (case.answer([result]) for case, result in zip(cases, results, strict=True))
        return _reversed(back, charge)

    return Case([license_ for case in cases for license_ in case.licenses], answer)


def _reversed(back: Answer, charge: Answer) -> Answer:
    taken, charged = back.shares or {}, charge.shares or {}
    net = {name: value + taken[name] for name, value in charged.items()}
    figures = {
        **dict.fromkeys(("charge", "charged", "original", "positive", "forward"), charged),
        **dict.fromkeys(("reversal", "reversed", "mirror", "negative", "credit"), taken),
        "net": net,
    }
    return dataclasses.replace(back, figures=figures)


@calculation("idle_weighted", "idle_distribution", "idle_weighted_distribution")
def idle_weighted(inputs: Inputs) -> Case:
    """Idle cost shared by what each costs directly, on top of it."""
    direct = inputs.entries("direct", "weights", prefix="consumer")
    total = sum(
        (entry(value, "weight").number("weight", "cost") for _, value in direct), inputs.number("idle")
    )
    return _fixed(inputs.with_value("total", total), "fixed_amount.configured.v1", direct)


@calculation("idle_separate", "idle_row")
def idle_separate(inputs: Inputs) -> Case:
    """Idle cost as a row of its own."""
    direct = inputs.entries("direct", "weights", prefix="consumer")
    entries = [*direct, ("__idle__", inputs.number("idle"))]
    total = sum((entry(value, "weight").number("weight", "cost") for _, value in entries), Decimal(0))
    return _fixed(inputs.with_value("total", total), "fixed_amount.configured.v1", entries)


@calculation("price_precedence", "price_per_right")
def price_precedence(inputs: Inputs) -> Case:
    """Which of the prices of a license counts."""
    columns = {
        "cost_per_right": ("cost_per_right",),
        "financial_tab_amount": ("financial_tab_amount", "financial_amount", "amount"),
        "override_unit_price": ("override_unit_price", "override"),
        "last_purchase_unit_price": ("last_purchase_unit_price", "last_purchase", "unit_price"),
        "purchase_total_price": ("total_price", "purchase_total_price"),
        "purchase_quantity": ("purchase_quantity",),
        "quantity_per_unit": ("quantity_per_unit",),
        "term_months": ("term_months", "months"),
    }
    price = {column: inputs.number_or_none(*names) for column, names in columns.items()}
    if inputs.has("frequency"):
        price["term_months"] = _months(inputs.text("frequency", default=""))
    scale = inputs.number_or_none("scale", "price_scale")
    return Case(
        [License(method=method("as_recharged.v1"), price=price)],
        lambda results: _price_answer(results, scale),
    )


def _months(frequency: str) -> Decimal:
    months = {"month": 1, "quarter": 3, "annual": 12, "year": 12, "once": 1, "one-time": 1}
    found = [count for word, count in months.items() if frequency.startswith(word)]
    if not found:
        raise InputError(f"input frequency is {frequency!r}, not one of {', '.join(months)}")
    return Decimal(found[0])


@calculation("price_per_right_month", "price_per_month", "monthly_price")
def price_per_month(inputs: Inputs) -> Case:
    """A price spread over the months of its term."""
    if not inputs.has("term_months", "months", "frequency"):
        raise inputs.missing("term_months")
    return price_precedence(inputs)


def _price_answer(results: Sequence[Result], scale: Decimal | None) -> Answer:
    [result] = results
    if result.price is None:
        return Answer(is_nothing=True)
    numerator, denominator = result.price["price_numerator"], result.price["price_denominator"]
    price: Decimal = numerator if denominator == 1 else result.price["price_per_right"]
    if scale is not None:
        exact = numerator / denominator
        price = exact.quantize(Decimal(1).scaleb(-int(scale)), ROUND_HALF_UP)
    return Answer(number=price, figures={"price": price, "source": result.price["price_source"]})


@calculation("cost", "costs", "recharged_cost", "cost_rounding")
def costs(inputs: Inputs) -> Case:
    """Quantities at a price: the license's cost is rounded once, and the minor units add up to it."""
    names = ("quantities", "recharged", "consumption", "recharged_consumption", "quantity", "shares")
    entries = inputs.entries(*names, prefix="consumer")
    if not entries and not inputs.is_given(*names):
        raise inputs.missing(names[0])
    quantities = [(name, entry(value, "quantity").number("quantity")) for name, value in entries]
    scale = inputs.value("scale")
    priced = (
        inputs
        if scale is None or inputs.has("currency_scale")
        else inputs.with_value("currency_scale", scale)
    )
    license_ = License(
        method=method("fixed_amount.configured.v1"),
        nodes=[
            {"node_id": name, "node_type": "device", "allocation_weight": abs(value)}
            for name, value in quantities
        ],
        quantity=sum((value for _, value in quantities), Decimal(0)),
        price=price_of(priced),
    )
    return Case([license_], _cost_answer)


def _cost_answer(results: Sequence[Result]) -> Answer:
    [result] = results
    costs_by_name = _costs(result)
    total = sum(costs_by_name.values(), Decimal(0))
    return Answer(
        number=total,
        items=list(costs_by_name.values()),
        shares=costs_by_name,
        figures={**consumption(results).figures, "total": total},
    )
