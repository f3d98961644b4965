"""Calculations of amounts and prices: what is shared, what is left over, and what a right costs."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_HALF_UP
from typing import TYPE_CHECKING, Literal

import msgspec

from chargeback.examples.cases import (
    Answer,
    Calculation,
    Case,
    InputError,
    License,
    Number,
    calculation,
    consumption,
    method,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chargeback.examples.cases import Result

_MONTHS = {"month": 1, "quarter": 3, "annual": 12, "once": 1}


class Amount(Calculation, kw_only=True):
    """An amount to share; in a currency and without a scale, in the minor units of the currency."""

    total: Number

    def shared(self, method_id: str, weights: Mapping[str, Number], total: Number | None = None) -> Case:
        """The amount shared by weights; another amount where one is given."""
        is_money = self.currency is not None and self.scale is None
        license_ = License(
            method=method(method_id),
            scale=None if is_money else 2 if self.scale is None else self.scale,
            nodes=[
                {"node_id": name, "node_type": "device", "allocation_weight": weight}
                for name, weight in weights.items()
            ],
            quantity=self.total if total is None else total,
            price={"cost_per_right": 1, "currency": self.currency} if is_money else None,
        )
        return Case([license_], _money if is_money else consumption)


def _money(results: Sequence[Result]) -> Answer:
    [result] = results
    return consumption([dataclasses.replace(result, shares=_costs(result))])


def _costs(result: Result) -> dict[str, Number]:
    return {name: cost for name, cost in result.costs.items() if cost is not None}


@calculation("largest_remainder")
class LargestRemainder(Amount, kw_only=True):
    """A total shared by weights; without a weight it is unallocated, and less than nothing is its mirror."""

    weights: dict[str, Number]

    def case(self) -> Case:
        return self.shared("fixed_amount.configured.v1", self.weights)


@calculation("split_or_unallocated")
class SplitOrUnallocated(LargestRemainder, kw_only=True):
    """The same: nobody has a weight, so the total is unallocated."""


@calculation("even")
class Even(Amount, kw_only=True):
    """A total shared evenly."""

    weights: list[str] | dict[str, Number]

    def case(self) -> Case:
        return self.shared("fixed_amount.even.v1", dict.fromkeys(self.weights, Number(1)))


@calculation("fixed_percent")
class FixedPercent(Amount, kw_only=True):
    """A total shared by percentages; what they leave of 100 is unallocated."""

    percentages: dict[str, Number]

    def case(self) -> Case:
        return self.shared("fixed_amount.percent.v1", self.percentages)


@calculation("reversal")
class Reversal(LargestRemainder, kw_only=True):
    """A charge taken back: each share is the exact mirror of what was charged."""

    def case(self) -> Case:
        cases = [
            self.shared("fixed_amount.configured.v1", self.weights, sign * abs(self.total))
            for sign in (-1, 1)
        ]

        def answer(results: Sequence[Result]) -> Answer:
            back, charge = (case.answer([result]) for case, result in zip(cases, results, strict=True))
            return _reversed(back, charge)

        return Case([license_ for case in cases for license_ in case.licenses], answer)


def _reversed(back: Answer, charge: Answer) -> Answer:
    taken, charged = back.shares or {}, charge.shares or {}
    net = {name: value + taken[name] for name, value in charged.items()}
    return dataclasses.replace(back, figures={"charge": charged, "reversal": taken, "net": net})


class Idle(Calculation, kw_only=True):
    """Idle cost beside what each costs directly."""

    direct: dict[str, Number]
    idle: Number

    def shared(self, weights: Mapping[str, Number]) -> Case:
        """The direct and the idle cost together, shared by weights."""
        total = sum(self.direct.values(), self.idle)
        amount = Amount(total=total, scale=self.scale, currency=self.currency)
        return amount.shared("fixed_amount.configured.v1", weights)


@calculation("idle_weighted")
class IdleWeighted(Idle, kw_only=True):
    """Idle cost shared by what each costs directly, on top of it."""

    def case(self) -> Case:
        return self.shared(self.direct)


@calculation("idle_separate")
class IdleSeparate(Idle, kw_only=True):
    """Idle cost as a row apart."""

    def case(self) -> Case:
        return self.shared({**self.direct, "__idle__": self.idle})


@calculation("price_precedence")
class PricePrecedence(Calculation, kw_only=True):
    """Which of the prices of a license counts."""

    financial_tab_amount: Number | None = None
    override_unit_price: Number | None = None
    last_purchase_unit_price: Number | None = None
    total_price: Number | None = None
    purchase_quantity: Number | None = None
    quantity_per_unit: Number | None = None
    term_months: Number | None = None
    frequency: Literal["month", "quarter", "annual", "once"] | None = None

    def case(self) -> Case:
        price = msgspec.structs.asdict(self)
        price["purchase_total_price"] = price.pop("total_price")
        if self.frequency is not None:
            price["term_months"] = _MONTHS[self.frequency]
        license_ = License(method=method("as_recharged.v1"), price=price)
        return Case([license_], lambda results: _price_answer(results, self.scale))


@calculation("price_per_right_month")
class PricePerMonth(PricePrecedence, kw_only=True):
    """A price spread over the months of its term."""

    def case(self) -> Case:
        if self.term_months is None and self.frequency is None:
            raise InputError("missing input `term_months`")
        return super().case()


def _price_answer(results: Sequence[Result], scale: int | None) -> Answer:
    [result] = results
    if result.price is None:
        return Answer(is_nothing=True)
    numerator, denominator = result.price["price_numerator"], result.price["price_denominator"]
    price: Number = numerator if denominator == 1 else result.price["price_per_right"]
    if scale is not None:
        price = (numerator / denominator).quantize(Number(1).scaleb(-scale), ROUND_HALF_UP)
    return Answer(number=price, figures={"price": price, "source": result.price["price_source"]})


@calculation("cost")
class Cost(Calculation, kw_only=True):
    """Quantities at a price: the license's cost is rounded once, and the minor units add up to it."""

    quantities: dict[str, Number]

    def case(self) -> Case:
        nodes = [
            {"node_id": name, "node_type": "device", "allocation_weight": abs(value)}
            for name, value in self.quantities.items()
        ]
        total = sum(self.quantities.values(), Number(0))
        return Case(
            [License(method=method("fixed_amount.configured.v1"), nodes=nodes, quantity=total)], _cost_answer
        )


def _cost_answer(results: Sequence[Result]) -> Answer:
    [result] = results
    costs = _costs(result)
    total = sum(costs.values(), Number(0))
    figures = {**consumption(results).figures, "total": total}
    return Answer(number=total, items=list(costs.values()), shares=costs, figures=figures)
