"""The error tree: every leaf has its place, its sentence, and survives the way between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from chargeback import errors
from chargeback.errors import ChargebackError, CheckFailed, FinalError, TemporaryError

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
LEAVES = [kind for kind in TREE if not kind.__subclasses__() or kind is CheckFailed]


def test_there_are_errors_at_all() -> None:
    assert len(LEAVES) > 10


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_a_leaf_says_what_to_do(kind: type[ChargebackError]) -> None:
    branches = [branch for branch in (TemporaryError, FinalError, CheckFailed) if issubclass(kind, branch)]

    assert len(branches) == 1


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_is_one_sentence_and_in_the_picture(kind: type[ChargebackError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.count(".") == 1
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[ChargebackError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("license 4711: what, and now what")))  # noqa: S301 - our own bytes

    assert type(copy) is kind
    assert str(copy) == "license 4711: what, and now what"
