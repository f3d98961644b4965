"""Chance that always falls the same way for the same seed and key."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

T = TypeVar("T")
EPOCH_ORDINAL = 737_425  # 2020-01-01


class Dice:
    """Draws that depend on nothing but the seed and the key, so any day can be drawn without its past."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def below(self, limit: int, *key: object) -> int:
        """A whole number from 0 to limit - 1."""
        text = "|".join(map(str, (self._seed, *key)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) % limit

    def chance(self, percent: int, *key: object) -> bool:
        return self.below(100, *key) < percent

    def pick(self, choices: Sequence[T], *key: object) -> T:
        return choices[self.below(len(choices), *key)]

    def era(self, day: datetime.date, days: int, *key: object) -> int:
        """The number of the stretch of `days` a day falls in; each key's stretches start on other days."""
        return self.era_and_age(day, days, *key)[0]

    def era_and_age(self, day: datetime.date, days: int, *key: object) -> tuple[int, int]:
        """The number of the stretch, and how many days into it the day is."""
        return divmod(day.toordinal() - EPOCH_ORDINAL + self.below(days, "phase", *key), days)
