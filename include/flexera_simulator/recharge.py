"""Exact sharing: quantities at six decimals, money at two, largest remainder first."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

QUANTITY = Decimal("0.000001")
CENT = Decimal("0.01")


def share(total: Decimal, weights: Sequence[Fraction | Decimal | int]) -> list[Decimal]:
    """Share a total pro rata to weights; the shares add up to the total exactly."""
    fractions = [Fraction(weight) for weight in weights]
    whole = sum(fractions, Fraction(0))
    if not whole:
        return [Decimal(0) for _ in weights]
    return _apportion([Fraction(total) * weight / whole for weight in fractions], total, QUANTITY)


def costs(quantities: Sequence[Decimal], price: Decimal) -> list[Decimal]:
    """What each quantity costs, in cents; together they are the rounded cost of the whole."""
    total = (sum(quantities, Decimal(0)) * price).quantize(CENT, ROUND_HALF_UP)
    return _apportion([Fraction(quantity) * Fraction(price) for quantity in quantities], total, CENT)


def plain(value: Decimal | Fraction | int) -> Decimal:
    """A decimal without trailing zeros or an exponent; a fraction is cut at six decimals."""
    if isinstance(value, Fraction):
        value = Decimal(int(value / Fraction(QUANTITY))) * QUANTITY
    number = Decimal(value)
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


@dataclass(slots=True)
class Capacity:
    """A machine, a pool of machines or a host: what it can use at most, and what is in it."""

    cap: Decimal | None = None
    children: list[Capacity] = field(default_factory=list)
    wanted: Decimal = Decimal(0)

    def used(self) -> Decimal:
        """What is used: the children's together, never more than the cap."""
        inside = sum((child.used() for child in self.children), Decimal(0)) if self.children else self.wanted
        return inside if self.cap is None else min(inside, self.cap)

    def shares(self, total: Decimal) -> list[Decimal]:
        """A total shared layer by layer over the machines, in the order they stand in the tree."""
        if not self.children:
            return [total]
        parts = share(total, [child.used() for child in self.children])
        return [leaf for child, part in zip(self.children, parts, strict=True) for leaf in child.shares(part)]


def _apportion(exact: Sequence[Fraction], total: Decimal, quantum: Decimal) -> list[Decimal]:
    step = Fraction(quantum)
    floors = [int(amount // step) for amount in exact]
    missing = int(Fraction(total) / step) - sum(floors)
    by_remainder = sorted(range(len(exact)), key=lambda index: (floors[index] - exact[index] / step, index))
    for index in by_remainder[:missing]:
        floors[index] += 1
    return [units * quantum for units in floors]
