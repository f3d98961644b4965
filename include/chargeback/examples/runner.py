"""Run a file of worked examples through the warehouse's rules and report each in a line."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from decimal import localcontext
from typing import TYPE_CHECKING

import psycopg2
from sqlalchemy.exc import DBAPIError

from chargeback.errors import SettingsInvalid
from chargeback.examples import comparison, file, ibm, machines, microsoft, oracle, splits
from chargeback.examples.cases import Case, InputError, known_names, nearest, prepare
from chargeback.examples.world import World
from chargeback.warehouse import migrations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chargeback.examples.cases import Result
    from chargeback.examples.file import Example
    from chargeback.warehouse.database import Database

# Decimals are added exactly up to as many digits; Python's own limit is 28.
_DIGITS = 1000
# COPY's errors come from the driver itself.
_REFUSALS = (DBAPIError, psycopg2.Error)
# What inputs of an unexpected form lead to.
_MISTAKES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# Importing them fills CALCULATIONS.
FAMILIES = (ibm, machines, microsoft, oracle, splits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An example and what came of it."""

    example: Example
    got: str
    is_right: bool

    def line(self) -> str:
        """The outcome in one line."""
        example = self.example
        expected = comparison.text(example.expected)
        verdict = "ok" if self.is_right else "MISS"
        return (
            f"{example.example_id:<18} {verdict:<4} {example.calculation}: expected {expected}, got {self.got}"
            f"  ({example.license_type})"
        )


def main(database: Database, path: Path | None = None) -> int:
    """Print a line for each example of a file, and how many are right; 1 where any is not."""
    outcomes = run(database, file.read(path or file.EXAMPLES_FILE))
    for outcome in outcomes:
        print(outcome.line())
    missed = sum(not outcome.is_right for outcome in outcomes)
    print(f"{len(outcomes)} examples: {len(outcomes) - missed} ok, {missed} missed.")
    return 1 if missed else 0


def run(database: Database, examples: Sequence[Example]) -> list[Outcome]:
    """The outcome of each example; nothing is left behind in the warehouse."""
    if not migrations.is_current(database.url):
        raise SettingsInvalid(
            "The warehouse has not this version's schema. Run: python -m chargeback migrate"
        )
    with localcontext(prec=_DIGITS), World.of(database) as world:
        prepared = [_prepare(example) for example in examples]
        cases = [case for case in prepared if isinstance(case, Case)]
        try:
            results = iter(_results(world, cases))
        except (*_REFUSALS, *_MISTAKES):
            results = iter([_results_alone(world, case) for case in cases])
        return [
            _outcome(example, case, next(results) if isinstance(case, Case) else None)
            for example, case in zip(examples, prepared, strict=True)
        ]


def _prepare(example: Example) -> Case | str:
    """What an example asks the warehouse for, or why it cannot."""
    if not example.calculation:
        return "the example has no 'calc'"
    if example.calculation not in known_names():
        return f"the calculation {example.calculation!r} is unknown; {_known(example.calculation)}"
    if not example.has_expected:
        return "the example has no 'expected'"
    try:
        return prepare(example.calculation, example.inputs)
    except InputError as error:
        return str(error)
    except _MISTAKES as error:
        return f"the inputs cannot be read ({error})"


def _known(name: str) -> str:
    """The nearest names, or where none is near all of them, and where to read on."""
    near = nearest(name)
    words = f"near it are {', '.join(near)}" if near else f"there are {', '.join(known_names())}"
    return f"{words} (docs/examples.md)"


def _results(world: World, cases: Sequence[Case]) -> list[list[Result] | str]:
    """The results of all cases, worked out in one go."""
    results = iter(world.results([license_ for case in cases for license_ in case.licenses]))
    return [list(itertools.islice(results, len(case.licenses))) for case in cases]


def _results_alone(world: World, case: Case) -> list[Result] | str:
    """The results of one case, or what the database says against it."""
    try:
        return world.results(case.licenses)
    except _REFUSALS as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        return f"the database refuses it: {str(reason).partition(chr(10))[0]}"
    except _MISTAKES as error:
        return f"the inputs lead to no result ({error})"


def _outcome(example: Example, case: Case | str, results: list[Result] | str | None) -> Outcome:
    if isinstance(case, str):
        return Outcome(example=example, got=f"nothing: {case}", is_right=False)
    if results is None or isinstance(results, str):
        return Outcome(example=example, got=f"nothing: {results}", is_right=False)
    try:
        answer = case.answer(results)
        got = comparison.found(answer, example.expected)
    except _MISTAKES as error:
        return Outcome(
            example=example, got=f"nothing: the inputs lead to no answer ({error})", is_right=False
        )
    is_right = comparison.are_equal(got, example.expected) and (got is not None or answer.is_nothing)
    return Outcome(example=example, got=comparison.text(got), is_right=is_right)
