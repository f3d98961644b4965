"""What can be set about a simulator, from the command line or while it runs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, fields, replace
from typing import Any

CHOICES = {
    "tenant": ("demo", "load"),
    "next_page": ("relative", "absolute", "foreign_host", "same_page"),
    "last_page": ("absent", "null", "empty"),
    "expires_in": ("number", "text"),
    "licenses_shape": ("array", "envelope"),
}


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
    expires_in: str = setting("number", "how expires_in is written: number or text")
    requests_per_minute: int = setting(50, "requests an organization may send in one window; 0: no limit")
    window_seconds: float = setting(60.0, "length of the window requests are counted in")
    page_size: int = setting(500, "consumption rows on a page when the caller sets no limit")
    max_page_size: int = setting(10_000, "the greatest limit a caller may set")
    licenses_shape: str = setting("array", "how /licenses answers: array or envelope")
    licenses_page_size: int = setting(0, "licenses on a page of the envelope shape; 0: all on one page")
    next_page: str = setting("relative", "how nextPage is written")
    last_page: str = setting("absent", "how the end is shown: nextPage absent, null or empty")
    repeated_rows: int = setting(0, "rows of the page before that each later page starts with again")
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
        if min(self.page_size, self.max_page_size, self.licenses) < 1:
            wrong.append("page_size, max_page_size and licenses must be 1 or more")
        if min(self.requests_per_minute, self.rows, self.licenses_page_size, self.repeated_rows) < 0:
            wrong.append("requests_per_minute, rows, licenses_page_size, repeated_rows must not be negative")
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
    if name == "org":
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
    values["org"] = list(settings.org)
    return {name: value for name, value in values.items() if name not in secret}
