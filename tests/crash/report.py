"""What came of each kill: a line as it happens, a table at the end, JSON for other programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kills import KINDS
from recovery import Recovery

if TYPE_CHECKING:
    from kills import Kill


@dataclass
class Outcome:
    """One kill, how it was recovered, and what was not as it should be."""

    kill: Kill
    during: str = ""
    recovery: Recovery = field(default_factory=Recovery)
    seconds: float = 0.0
    looks: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        verdict = "equal" if self.is_equal else "DIFFERENT"
        line = (
            f"{self.kill.number:>4}  {self.kill.what:<24} {self.kill.moment}, during {self.during} "
            f"({self.kill.source}): {self.recovery}; {verdict} after {self.seconds:.0f} s"
        )
        return "\n".join([line, *(f"        {difference}" for difference in self.differences)])

    def as_dict(self) -> dict[str, Any]:
        return {
            "number": self.kill.number,
            "kind": self.kill.kind,
            "what": self.kill.what,
            "moment": str(self.kill.moment),
            "during": self.during,
            "source": self.kill.source,
            "recovery": str(self.recovery),
            "is_by_airflow_alone": self.recovery.is_by_airflow_alone,
            "seconds": round(self.seconds, 1),
            "looks": self.looks,
            "differences": self.differences,
        }


def table(outcomes: list[Outcome]) -> str:
    """Kills by kind, who recovered them, and how many left a difference."""
    lines = [f"{'kind':<12}{'kills':>8}{'recovered by Airflow':>24}{'by an operator':>18}{'differences':>14}"]
    of_kinds = {kind: [outcome for outcome in outcomes if outcome.kill.kind == kind] for kind in KINDS}
    lines += [_line(kind, some) for kind, some in of_kinds.items() if some]
    return "\n".join([*lines, _line("all", outcomes)])


def _line(name: str, outcomes: list[Outcome]) -> str:
    recovered = [outcome.recovery for outcome in outcomes if outcome.recovery.is_complete]
    by_airflow = sum(not recovery.by_operator for recovery in recovered)
    different = sum(not outcome.is_equal for outcome in outcomes)
    return f"{name:<12}{len(outcomes):>8}{by_airflow:>24}{len(recovered) - by_airflow:>18}{different:>14}"


def summary(outcomes: list[Outcome], seed: int) -> dict[str, Any]:
    """All of it, for other programs."""
    return {
        "seed": seed,
        "kills": len(outcomes),
        "recoveries": sum(outcome.recovery.is_complete for outcome in outcomes),
        "differences": sum(not outcome.is_equal for outcome in outcomes),
        "outcomes": [outcome.as_dict() for outcome in outcomes],
    }
