"""Which licenses a run wants: the filter of the trigger form."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Protocol

from chargeback.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Where each param that names licenses to take finds its text.
_FACTS = {
    "publishers": "publisher",
    "license_types": "license_type",
    "license_names": "license_name",
    "license_ids": "license_id",
}
_IDS = ("license_ids", "exclude_license_ids")
_QUOTES = ('""', "''", "``", "\u201c\u201d", "\u201e\u201c", "\u2018\u2019", "\u00ab\u00bb")
_PARTS = re.compile(r"\"[^\"]*\"|'[^']*'|[^,;]+")
_ID_ENDS = re.compile(r"[\s,;]+")
_MOST_NAMED = 3
_MOST_LISTED = 20


# What Airflow's database keeps of the name of a mapped task.
MOST_LABEL = 250


class ListedFacts(Protocol):
    """What a filter looks at."""

    @property
    def license_id(self) -> str: ...

    @property
    def license_name(self) -> str | None: ...

    @property
    def license_type(self) -> str | None: ...

    @property
    def publisher(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseFilter:
    """An empty list keeps all; names, types and publishers are case-insensitive globs, ids are exact."""

    publishers: tuple[str, ...] = ()
    license_types: tuple[str, ...] = ()
    license_names: tuple[str, ...] = ()
    license_ids: tuple[str, ...] = ()
    exclude_license_ids: tuple[str, ...] = ()

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> LicenseFilter:
        """The filter in the run's params: lists or one text, one entry a line; blank ones do not count."""
        return cls(**{name: tuple(_entries(params.get(name))) for name in cls.names()})

    @classmethod
    def mistakes(cls, params: Mapping[str, Any]) -> list[str]:
        """What is wrong with the params that filter licenses."""
        return [
            f"{name} is {plain(repr(params[name]))}; it must be a list of texts"
            for name in cls.names()
            if not _is_readable(params.get(name))
        ]

    @classmethod
    def names(cls) -> list[str]:
        """The params that filter licenses."""
        return list(cls.__dataclass_fields__)

    def keeps(self, license_: ListedFacts) -> bool:
        """Whether the run wants this license."""
        return (
            _matches(self.publishers, license_.publisher)
            and _matches(self.license_types, license_.license_type)
            and _matches(self.license_names, license_.license_name)
            and (not self.license_ids or license_.license_id in self.license_ids)
            and license_.license_id not in self.exclude_license_ids
        )

    def read_against(self, listed: Sequence[ListedFacts]) -> LicenseFilter:
        """The filter with each entry in the reading that finds a license.

        A name may hold commas and quotes, so an entry is taken as it is, else without its quotes, else as several.
        """
        return LicenseFilter(
            **{
                name: tuple(part for entry in entries for part in _read(name, entry, _values(name, listed)))
                for name, entries in asdict(self).items()
            }
        )

    def misses(self, listed: Sequence[ListedFacts]) -> dict[str, list[str]]:
        """By param, the entries that find no license, each with the names that are nearest to it."""
        return {
            name: [_told(entry, _values(name, listed)) for entry in missed]
            for name in _FACTS
            if (missed := _missed(name, getattr(self, name), _values(name, listed)))
        }

    def as_dict(self) -> dict[str, list[str]]:
        """The parts of the filter that are set, for the ledger."""
        return {name: list(values) for name, values in asdict(self).items() if values}

    def __str__(self) -> str:
        """The filter as an operator would write it, for messages."""
        parts = [f"{name}={_listed(values)}" for name, values in self.as_dict().items()]
        return "; ".join(parts) or "no filter"


def _listed(values: Sequence[str]) -> str:
    """The values with commas between them; of many, the first ones and how many more there are."""
    more = f" and {len(values) - _MOST_LISTED:,} more" if len(values) > _MOST_LISTED else ""
    return ", ".join(map(plain, values[:_MOST_LISTED])) + more


def batches(license_ids: Sequence[str], names: Mapping[str, str], most_batches: int) -> list[dict[str, Any]]:
    """The work of the mapped tasks: one license each, or groups where Airflow may not map that many.

    Each is `{"label": text for the UI, "license_ids": [...]}`; groups differ in size by one at most.
    """
    number = min(len(license_ids), most_batches)
    size, larger = divmod(len(license_ids), number) if number else (0, 0)
    starts = accumulate([size + (index < larger) for index in range(number)], initial=0)
    groups = [list(license_ids[start:end]) for start, end in pairwise(starts)]
    return [{"label": label(names[group[0]], len(group) - 1), "license_ids": group} for group in groups]


def label(name: str, others: int = 0) -> str:
    """The name of a license as Airflow can show it, with how many others its task is of."""
    more = f" and {others} more" if others else ""
    return plain(name, MOST_LABEL - len(more)) + more


def _entries(value: Any) -> Iterator[str]:
    """The entries in a param: of a list each line of each text, and numbers as people write them."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _entries(each)
    elif isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if line.strip())
    elif value is not None:
        yield f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _is_readable(value: Any) -> bool:
    """True for texts, whole numbers, null and lists of these, without what no database can hold."""
    if isinstance(value, list | tuple):
        return all(not isinstance(each, list | tuple) and _is_readable(each) for each in value)
    if isinstance(value, str):
        return all(letter != "\0" and unicodedata.category(letter) != "Cs" for letter in value)
    return value is None or type(value) is int or (isinstance(value, float) and value.is_integer())


def _values(name: str, listed: Sequence[ListedFacts]) -> dict[str, str]:
    """What the licenses say in the place that a param looks at, by what it is compared as."""
    found = (getattr(license_, _FACTS.get(name, "license_id")) for license_ in listed)
    return {value if name in _IDS else _folded(value): value for value in found if value}


def _read(name: str, entry: str, values: Mapping[str, str]) -> list[str]:
    """The parts of an entry in the first reading that finds something; as it is where none does."""
    parts = _ID_ENDS.split(entry) if name in _IDS else _PARTS.findall(entry)
    unquoted = [text for part in parts if (text := _without_quotes(part))]
    for reading in ([entry], [_without_quotes(entry)], unquoted):
        if any(_finds(name, part, values) for part in reading):
            return reading
    return [entry]


def _missed(name: str, entries: Sequence[str], values: Mapping[str, str]) -> list[str]:
    return [entry for entry in entries if not _finds(name, entry, values)]


def _finds(name: str, entry: str, values: Mapping[str, str]) -> bool:
    if name in _IDS:
        return entry in values
    glob = _glob(entry)
    return set(glob) == {"*"} or any(fnmatchcase(value, glob) for value in values)


def _without_quotes(text: str) -> str:
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] + text[-1] in _QUOTES
    return text[1:-1].strip() if is_quoted else text


def _told(entry: str, values: Mapping[str, str]) -> str:
    """An entry that finds nothing, and what may have been meant."""
    bare = _folded(entry).strip("*?%\"' ")
    holding = [value for value in values if bare and bare in _folded(value)]
    close = get_close_matches(bare, [_folded(value) for value in values], _MOST_NAMED, 0.5)
    by_fold = {_folded(value): shown for value, shown in values.items()}
    nearest = list(dict.fromkeys([*(values[each] for each in holding), *(by_fold[each] for each in close)]))
    hints = [f"nearest: {', '.join(plain(each) for each in nearest[:_MOST_NAMED])}"] if nearest else []
    hints += ["write * for any letters"] if "%" in entry else []
    return f"'{plain(entry)}'" + (f" ({'; '.join(hints)})" if hints else "")


def _matches(globs: tuple[str, ...], value: str | None) -> bool:
    return not globs or any(fnmatchcase(_folded(value or ""), _glob(glob)) for glob in globs)


def _glob(entry: str) -> str:
    """A pattern in which only * and ? are special: brackets are letters."""
    return _folded(entry).replace("[", "[[]")


def _folded(text: str) -> str:
    """A text as it is compared: one form of each letter, of case and of blanks, and nothing without width."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(each for each in folded if unicodedata.category(each) != "Cf").split())
