"""A request budget without a limit."""

from __future__ import annotations


class NoBudget:
    """Every request goes at once; a wait is over at once."""

    def take(self) -> None: ...

    def block(self, seconds: float) -> None: ...

    def note_remaining(self, remaining: int) -> None: ...

    def note_answer(self) -> None: ...

    def has_answered(self) -> bool:
        return False
