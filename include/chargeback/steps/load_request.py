"""What a run was asked to build, read from its params and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from chargeback.errors import SettingsInvalid
from chargeback.selection import LicenseFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCES = ("auto", "api", "raw")
_POLICIES = ("fail", "keep_previous")
_PARAMS = (
    "snapshot_date",
    "source",
    "on_license_failure",
    "allowed_shrink_percent",
    "allowed_gap_percent",
    "allow_partial",
    *LicenseFilter.names(),
)
_ALLOWED_SHRINK_PERCENT = Decimal(20)
_ALLOWED_GAP_PERCENT = Decimal(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What a run was asked to build; checked once, so that every later step can trust it.

    `asked_on` is the day on which the run was asked for, unless that is too long ago to read from the API for it.
    """

    org_id: str
    snapshot_date: date
    today: date
    asked_on: date | None = None
    source: str = "auto"
    on_license_failure: str = "fail"
    allowed_shrink_percent: Decimal = _ALLOWED_SHRINK_PERCENT
    allowed_gap_percent: Decimal = _ALLOWED_GAP_PERCENT
    license_filter: LicenseFilter = field(default_factory=LicenseFilter)
    allow_partial: bool = False
    dag_run_id: str | None = None

    @property
    def is_present(self) -> bool:
        """True if what the API answers now is of the snapshot's date."""
        return self.snapshot_date in (self.today, self.asked_on)

    @classmethod
    def from_params(
        cls,
        params: Mapping[str, Any],
        *,
        org_id: str,
        today: date,
        default_date: date,
        asked_on: date | None = None,
        dag_run_id: str | None = None,
    ) -> LoadRequest:
        """The request in the params of a run; SettingsInvalid lists everything that is wrong with them."""
        mistakes = [
            f"'{name}' is not a param of this DAG; it has {', '.join(_PARAMS)}"
            for name in sorted(set(params) - set(_PARAMS))
        ]
        snapshot_date = _date(params.get("snapshot_date"), default_date, mistakes)
        source = _choice("source", params.get("source") or "auto", _SOURCES, mistakes)
        policy = _choice(
            "on_license_failure", params.get("on_license_failure") or "fail", _POLICIES, mistakes
        )
        allowed_shrink_percent = _percent("allowed_shrink_percent", params, _ALLOWED_SHRINK_PERCENT, mistakes)
        allowed_gap_percent = _percent("allowed_gap_percent", params, _ALLOWED_GAP_PERCENT, mistakes)
        mistakes += LicenseFilter.mistakes(params)
        if params.get("allow_partial") not in (None, True, False):
            mistakes.append(f"allow_partial is {params['allow_partial']!r}; it must be true or false")
        if snapshot_date > today:
            mistakes.append(f"snapshot_date is {snapshot_date}; it must not lie after today, {today}")
        if mistakes:
            raise SettingsInvalid("DAG params: " + "; ".join(mistakes) + ". Correct them and trigger again.")
        return cls(
            org_id=org_id,
            snapshot_date=snapshot_date,
            today=today,
            asked_on=asked_on,
            source=source,
            on_license_failure=policy,
            allowed_shrink_percent=allowed_shrink_percent,
            allowed_gap_percent=allowed_gap_percent,
            license_filter=LicenseFilter.from_params(params),
            allow_partial=params.get("allow_partial") is True,
            dag_run_id=dag_run_id,
        )


def _date(value: object, default: date, mistakes: list[str]) -> date:
    if value is None or value == "":
        return default
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        mistakes.append(f"snapshot_date is {value!r}; it must be a date like {default}")
        return default


def _choice(name: str, value: object, choices: tuple[str, ...], mistakes: list[str]) -> str:
    if value not in choices:
        mistakes.append(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
    return str(value)


def _percent(name: str, params: Mapping[str, Any], default: Decimal, mistakes: list[str]) -> Decimal:
    value = params.get(name)
    if value is None or value == "":
        return default
    try:
        percent = Decimal(str(value))
    except InvalidOperation:
        percent = Decimal("NaN")
    if percent.is_nan() or not 0 <= percent <= 100:
        mistakes.append(f"{name} is {value!r}; it must be a number from 0 to 100")
        return default
    return percent
