"""What an example becomes: licenses with their nodes, a method each, and how to read the answer off the results."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from chargeback.methods import Catalog, Method

Node = dict[str, Any]
Number = Decimal
Positive = Decimal
Scale = Annotated[int, msgspec.Meta(ge=0, le=18)]
Count = Annotated[int, msgspec.Meta(ge=0, le=200_000)]  # of so many of one kind a machine each is made
C = TypeVar("C", bound="type[Calculation]")
E = TypeVar("E", bound="Entry")

# What examples call the shares of consumers.
_SHARES = ("vm", "device", "server", "user")
_MOST_DECIMALS = 18
# So many more than an example wants, or shares are settled at what it wants.
SPARE_DECIMALS = 6


class InputError(Exception):
    """An example cannot be calculated; the message says which input is missing or wrong."""


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


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One of several things in an input: a number alone is its first field."""


class Calculation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an example may name as its `calc`. The fields are its inputs, the docstring says what it works out.

    `each` is the input of which the calculation's `_table` takes a list, for a list of answers.
    """

    each: ClassVar[str | None] = None

    scale: Scale | None = None
    cost_per_right: Number | None = None
    currency: str | None = None
    currency_scale: Scale | None = None

    def case(self) -> Case:
        """The licenses to work out, and how to read the answer off their results."""
        raise NotImplementedError(type(self).__name__)

    @property
    def price(self) -> dict[str, object] | None:
        """The price per right that the example gives, and its currency or the decimals of it."""
        if self.cost_per_right is None:
            return None
        return {
            "cost_per_right": self.cost_per_right,
            "currency": self.currency,
            "currency_scale": self.currency_scale,
        }


CALCULATIONS: dict[str, type[Calculation]] = {}
OF_ALL = Calculation.__struct_fields__
_TABLE = "_table"


def calculation(name: str) -> Callable[[C], C]:
    """Register a calculation under its one name."""

    def register(kind: C) -> C:
        CALCULATIONS[name] = kind
        return kind

    return register


def names_of(kind: type[Calculation], name: str) -> list[str]:
    """The names an example may use for a calculation: its own, and that of its table."""
    return [name, f"{name}{_TABLE}"] if kind.each else [name]


def known_names() -> list[str]:
    """All names an example may use, in the order of the alphabet."""
    return sorted(each for name, kind in CALCULATIONS.items() for each in names_of(kind, name))


def nearest(name: str) -> list[str]:
    """The names of calculations that look most like one that is none."""
    return difflib.get_close_matches(name, known_names(), n=4)


def prepare(name: str, given: object) -> Case:
    """The case of a known name and its inputs; InputError says what is missing, unknown or wrong."""
    inputs = _readable(given)
    kind = CALCULATIONS.get(name)
    if kind is not None:
        return _prepared(kind, name, inputs)
    kind = CALCULATIONS[name.removesuffix(_TABLE)]
    rows = inputs.get(str(kind.each)) if isinstance(inputs, dict) else None
    if not isinstance(rows, list):
        raise InputError(f"input {kind.each} of {name} is not a list")
    cases = [_prepared(kind, name, {**inputs, str(kind.each): row}) for row in rows]
    licenses = [license_ for case in cases for license_ in case.licenses]
    return Case(licenses, lambda results: _listed(cases, results))


def _prepared(kind: type[Calculation], name: str, inputs: Any) -> Case:
    """One case, with a distinct name for each machine, and the price and the decimals of the example."""
    try:
        read = msgspec.convert(inputs, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{_plainly(error)}; {name} takes {', '.join(kind.__struct_fields__)}") from None
    case = read.case()
    licenses = [
        dataclasses.replace(
            license_,
            nodes=_distinct(license_.nodes),
            price=license_.price or read.price,
            scale=read.scale if license_.scale is None else license_.scale,
        )
        for license_ in case.licenses
    ]
    return Case(licenses, case.answer)


def _plainly(error: msgspec.ValidationError) -> str:
    """The library's message in the words of our readers."""
    words = {
        "Object contains unknown field": "unknown input",
        "Object missing required field": "missing input",
        " - at `$.": " in `",
        " - at `$`": "",
    }
    text = str(error)
    for theirs, ours in words.items():
        text = text.replace(theirs, ours)
    return text


def _readable(value: Any) -> Any:
    """The inputs with texts as names, as a file may name a machine 1; a number that has no end is refused."""
    if isinstance(value, Mapping):
        return {str(name): _readable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_readable(inner) for inner in value]
    if isinstance(value, Decimal) and not value.is_finite():
        raise InputError(f"{value} is not a number; write null for no limit")
    return value


def _distinct(nodes: Sequence[Node]) -> list[Node]:
    """The nodes; a name that was taken already gets a number behind it."""
    parents = {node.get("parent_node_id") for node in nodes}
    seen: Counter[str] = Counter()
    distinct: list[Node] = []
    for node in nodes:
        name = node["node_id"]
        seen[name] += 1
        if seen[name] > 1 and name in parents:
            raise InputError(f"{name} is there twice")
        distinct.append(node if seen[name] == 1 else {**node, "node_id": f"{name} ({seen[name]})"})
    return distinct


def _listed(cases: Sequence[Case], results: Sequence[Result]) -> Answer:
    remaining = iter(results)
    return Answer(
        items=[case.answer(list(itertools.islice(remaining, len(case.licenses)))) for case in cases]
    )


Entries = Mapping[str, Any] | Sequence[Any] | None


def named(entries: Entries, kind: type[E], prefix: str) -> Iterator[tuple[str, E]]:
    """Entries with their names: the keys of a mapping; in a list their `name`, or their position."""
    if isinstance(entries, Mapping):
        yield from ((name, _entry(value, kind)) for name, value in entries.items())
        return
    for position, value in enumerate(entries or (), start=1):
        entry = _entry(value, kind)
        yield getattr(entry, "name", None) or f"{prefix}{position}", entry


def _entry(value: Any, kind: type[E]) -> E:
    return value if isinstance(value, kind) else kind(value)


def doc_of(kind: type[Calculation]) -> str:
    """What a calculation works out."""
    return inspect.getdoc(kind) or ""


@cache
def _catalog() -> Catalog:
    return Catalog.read()


def method(method_id: str, **changes: Any) -> Method:
    """A method of the catalog, with what the example says otherwise."""
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(_catalog().methods[method_id], **given)


def repeated(nodes: Iterable[Node], times: int) -> list[Node]:
    """A node as many times as there are of it, each under a distinct name."""
    if times == 1:
        return list(nodes)
    return [
        {**node, "node_id": f"{node['node_id']}#{number}"} for node in nodes for number in range(1, times + 1)
    ]


def consumption(results: Sequence[Result]) -> Answer:
    """The license's consumption, and its shares for those who ask."""
    [result] = results
    shares = dict.fromkeys(_SHARES, result.shares)
    return Answer(
        number=result.consumption,
        items=list(result.shares.values()),
        shares=result.shares,
        figures={"consumption": result.consumption, **shares, "cost": result.costs},
    )


def single(method_: Method, nodes: Sequence[Node], **more: Any) -> Case:
    """The case of one license of which the consumption is wanted."""
    return Case([License(method=method_, nodes=nodes, **more)], consumption)
