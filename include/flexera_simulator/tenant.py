"""What the HTTP side needs to know of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator


class Tenant(Protocol):
    """One organization's licenses and their consumption, day by day."""

    def license_bodies(self, day: datetime.date) -> list[bytes]:
        """Each license of the day as JSON text."""

    def row_count(self, day: datetime.date, license_id: str) -> int | None:
        """How many consumption rows a license has; None where there is no such license."""

    def row_bodies(self, day: datetime.date, license_id: str, start: int, count: int) -> Iterator[bytes]:
        """Consumption rows from a position on, as JSON text."""

    def totals(self, day: datetime.date) -> dict[str, Any]:
        """What was recharged that day, from the model and not from rendered pages."""
