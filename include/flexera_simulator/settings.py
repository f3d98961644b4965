"""What can be set about a simulator, from the command line or while it runs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, fields, replace
from typing import Any

from flexera_simulator.forms import FORMS

CHOICES = {
    "tenant": ("demo", "load"),
    "next_page": ("relative", "absolute", "foreign_host", "same_page", "circle"),
    "last_page": ("absent", "null", "empty"),
    "cursor": ("encoded", "odd", "raw"),
    "expires_in": ("number", "text"),
    "retry_after": ("seconds", "absent", "hours", "date"),
    "licenses_shape": ("array", "envelope"),
    "consumption_shape": ("envelope", "array"),
    "row_order": ("stable", "other_each_walk"),
    "license_totals": ("stable", "rising"),
}
AT_LEAST_ONE = ("page_size", "max_page_size", "licenses")
NOT_NEGATIVE = (
    "requests_per_minute",
    "other_requests",
    "requests_per_token",
    "told_lifetime_seconds",
    "rows",
    "licenses_page_size",
    "repeated_rows",
    "missed_rows",
    "empty_pages",
    "late_licenses",
    "visible_percent",
    "slow_seconds",
)


def today() -> datetime.date:
    """The current date in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def setting(default: Any, help_text: str) -> Any:
    """A settings field with the sentence that explains it."""
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything about a simulator that a person or a test may choose."""

    tenant: str = setting("demo", "demo: a mixed estate; load: any number of plain rows")
    org: tuple[str, ...] = setting(("12345",), "organization id; repeat the option for several")
    date: datetime.date | None = field(
        default=None, metadata={"help": "the day the estate is shown on; by default that of the clock"}
    )
    seed: int = setting(1, "the same seed and date give the same bytes")
    licenses: int = setting(200, "licenses of the load tenant")
    rows: int = setting(100_000, "consumption rows of the load tenant, all licenses together")
    client_id: str = setting("demo-client", "service account the token endpoint accepts")
    client_secret: str = setting("demo-secret", "its secret")
    refresh_token: str = setting("demo-refresh-token", "refresh token the token endpoint accepts")
    token_lifetime_seconds: float = setting(3600.0, "how long an access token is valid")
    told_lifetime_seconds: float = setting(0.0, "what expires_in says; 0: the true lifetime")
    expires_in: str = setting("number", "how expires_in is written: number or text")
    requests_per_token: int = setting(0, "requests an access token is good for; 0: any number")
    requests_per_minute: int = setting(50, "requests an organization may send in one window; 0: no limit")
    window_seconds: float = setting(60.0, "length of the window requests are counted in")
    other_requests: int = setting(0, "requests of the same window that another integration sends first")
    retry_after: str = setting("seconds", "how a throttled answer says when to come back")
    page_size: int = setting(500, "consumption rows on a page when the caller sets no limit")
    max_page_size: int = setting(10_000, "the greatest limit a caller may set")
    limit_counts: bool = setting(True, "take the limit that a caller sets")
    licenses_shape: str = setting("array", "how /licenses answers: array or envelope")
    licenses_page_size: int = setting(0, "licenses on a page of the envelope shape; 0: all on one page")
    consumption_shape: str = setting("envelope", "how /consumption answers; an array holds every row")
    next_page: str = setting("relative", "how nextPage is written")
    last_page: str = setting("absent", "how the end is shown: nextPage absent, null or empty")
    cursor: str = setting("encoded", "how a skipToken is written")
    empty_pages: int = setting(0, "empty pages before each page with rows")
    foreign_host: str = setting("https://elsewhere.example", "where links to another host lead")
    repeated_rows: int = setting(0, "rows of the page before that each later page starts with again")
    missed_rows: int = setting(0, "rows that each later page leaves out, as if they had moved")
    row_order: str = setting("stable", "whether each walk through a list meets its rows in another order")
    visible_percent: int = setting(100, "share of a license's rows that the account may see")
    license_totals: str = setting("stable", "whether the licenses' totals rise with each look at the list")
    late_licenses: int = setting(0, "licenses at the end of the list that its first look does not show")
    forms: tuple[str, ...] = setting((), f"odd form of the rows; repeat for several: {', '.join(FORMS)}")
    formed_license: str = setting("", "the only license whose rows have these forms; empty: all have")
    slow_seconds: float = setting(90.0, "how long the slow answers of profiles take")
    gzip: bool = setting(True, "compress bodies for callers that accept it")

    @property
    def day(self) -> datetime.date:
        """The simulator's today."""
        return self.date or today()

    def __post_init__(self) -> None:
        wrong = [
            f"{name} must be one of {', '.join(allowed)}"
            for name, allowed in CHOICES.items()
            if getattr(self, name) not in allowed
        ]
        if not self.org:
            wrong.append("at least one org is needed")
        wrong += [f"{name} must be 1 or more" for name in AT_LEAST_ONE if getattr(self, name) < 1]
        wrong += [f"{name} must not be negative" for name in NOT_NEGATIVE if getattr(self, name) < 0]
        wrong += [f"no such form: {name}" for name in self.forms if name not in FORMS]
        if self.window_seconds <= 0:
            wrong.append("window_seconds must be more than 0")
        if wrong:
            raise ValueError("; ".join(wrong))


def default_of(name: str) -> Any:
    """The default value of one setting."""
    return next(item.default for item in fields(Settings) if item.name == name)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Settings with some values replaced; values may be JSON's plain types."""
    known = {item.name for item in fields(Settings)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return replace(settings, **{name: _plain(name, value) for name, value in changes.items()})


def _plain(name: str, value: Any) -> Any:
    """One value in the type its setting has."""
    if isinstance(default_of(name), tuple):
        return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
    if name == "date":
        is_ready = value is None or isinstance(value, datetime.date)
        return value if is_ready else datetime.date.fromisoformat(value)
    kind = type(default_of(name))
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a {kind.__name__}, not {value!r}") from None


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as JSON values, secrets left out."""
    secret = {"client_secret", "refresh_token"}
    values = {item.name: getattr(settings, item.name) for item in fields(Settings)}
    values["date"] = settings.day.isoformat()
    values |= {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
    return {name: value for name, value in values.items() if name not in secret}
