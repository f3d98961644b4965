"""What one check found, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from chargeback.plain_text import LONGEST_MESSAGE, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

Level = Literal["ok", "warning", "problem"]

_MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: which check, how bad, what was found, and what to do where something must be done."""

    check: str
    level: Level
    found: str
    advice: str = ""

    def of(self, conn_id: str) -> Finding:
        """The finding with the connection whose organization it is of."""
        return replace(self, found=f"{conn_id}: {self.found}")

    def __str__(self) -> str:
        text = f"{self.found.rstrip('.')}. {self.advice}" if self.advice else self.found
        return f"{self.level:<8} {self.check:<20} {plain(text, LONGEST_MESSAGE)}"


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, advice: str) -> Finding:
    """The night runs, but somebody should look."""
    return Finding(check, "warning", found, advice)


def problem(check: str, found: str, advice: str = "") -> Finding:
    """The night would fail, or does not begin. No advice is needed where `found` says what to do itself."""
    return Finding(check, "problem", found, advice)


def listed(names: Iterable[str]) -> str:
    """The names with commas between them; where there are many, the first ones and how many more there are."""
    names = list(names)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(plain, names[:_MOST_NAMES])) + more
