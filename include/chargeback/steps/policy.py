"""The params of a DAG as a frozen object that checks itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from chargeback.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The base of such objects. Each field is a param with its default: a whole number from 1, or true or false."""

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """The policy in the params of a run; SettingsInvalid lists everything that is wrong with them."""
        defaults = {each.name: each.default for each in fields(cls)}
        given = {name: value for name, value in params.items() if value is not None}
        mistakes = [
            f"'{name}' is not a param of this DAG; it has {', '.join(defaults)}"
            for name in sorted(set(given) - set(defaults))
        ]
        for name, default in defaults.items():
            value = given.get(name, default)
            if type(value) is not type(default) or (type(value) is int and value < 1):
                expected = "true or false" if isinstance(default, bool) else "a whole number, 1 or more"
                mistakes.append(f"{name} is {value!r}; it must be {expected}")
        if mistakes:
            raise SettingsInvalid("DAG params: " + "; ".join(mistakes) + ". Correct them and trigger again.")
        return cls(**given)
