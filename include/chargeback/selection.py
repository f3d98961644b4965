"""Which licenses a run wants: the filter of the trigger form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


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
        """The filter in the run's params; ids given as numbers are taken as text."""
        return cls(
            **{name: tuple(str(value).strip() for value in params.get(name) or ()) for name in cls.names()}
        )

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

    def unknown_ids(self, license_ids: Iterable[str]) -> list[str]:
        """The ids asked for that the tenant does not have."""
        return sorted(set(self.license_ids) - set(license_ids))

    def as_dict(self) -> dict[str, list[str]]:
        """The parts of the filter that are set, for the ledger."""
        return {name: list(values) for name, values in asdict(self).items() if values}

    def __str__(self) -> str:
        """The filter as an operator would write it, for messages."""
        parts = [f"{name}={', '.join(values)}" for name, values in self.as_dict().items()]
        return "; ".join(parts) or "no filter"


def batches(license_ids: Sequence[str], names: Mapping[str, str], most_batches: int) -> list[dict[str, Any]]:
    """The work of the mapped tasks: one license each, or groups where Airflow may not map that many.

    Each is `{"label": text for the UI, "license_ids": [...]}`; groups differ in size by one at most.
    """
    if len(license_ids) <= most_batches:
        return [{"label": names[license_id], "license_ids": [license_id]} for license_id in license_ids]
    size, larger = divmod(len(license_ids), most_batches)
    groups, start = [], 0
    for number in range(most_batches):
        end = start + size + (number < larger)
        group = list(license_ids[start:end])
        others = f" and {len(group) - 1} more" if len(group) > 1 else ""
        groups.append({"label": names[group[0]] + others, "license_ids": group})
        start = end
    return groups


def _matches(globs: tuple[str, ...], value: str | None) -> bool:
    return not globs or any(fnmatchcase((value or "").casefold(), glob.casefold()) for glob in globs)
