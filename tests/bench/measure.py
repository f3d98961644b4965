"""What a measure is: a name, a target, and a function that gives a ratio of two figures of one run.

A new subject is one file that ends in `MEASURES = [Measure(...)]`, and its name in `suite.FILES`.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_world import BenchWorld

_COMPARISONS = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class Ratio:
    """The result of a measure, and the figures it is the ratio of, in words."""

    ratio: float
    figures: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table; `target` is a comparison and a number, such as '<= 2.5'."""

    name: str
    target: str
    run: Callable[[BenchWorld], Ratio]

    def is_met(self, ratio: float) -> bool:
        comparison, number = self.target.split()
        return bool(_COMPARISONS[comparison](ratio, float(number)))
