"""Which rows of a list a walk meets, in which order, and which of them stand on a page."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence

    from flexera_simulator.paging import Position
    from flexera_simulator.settings import Settings
    from flexera_simulator.tenant import Tenant


def served(list_name: str, row_count: int, order: int, visible_percent: int = 100) -> Sequence[int]:
    """The positions of the rows that are shown, in the order they are shown in; order 0 is the list's own."""
    positions: Sequence[int] = range(row_count)
    if visible_percent < 100:
        positions = [number for number in positions if (number * 37 + 11) % 100 < visible_percent]
    if order:
        dice = random.Random(f"{list_name} {order}")
        positions = dice.sample(positions, len(positions))
    return positions


def on_page(rows: Sequence[int], position: Position, settings: Settings) -> Sequence[int]:
    """The rows of one page; a list that changed in between shows some twice, and others never."""
    if position.blank:
        return []
    is_later = position.start > 0
    repeated = min(settings.repeated_rows, position.start)
    missed = min(settings.missed_rows, position.size) if is_later else 0
    start, end = position.start, position.start + position.size
    return (
        [*rows[start - repeated : start], *rows[start + missed : end]]
        if missed
        else rows[start - repeated : end]
    )


def is_last(rows: Sequence[int], position: Position) -> bool:
    """Whether no page comes after this one."""
    return not position.blank and position.start + position.size >= len(rows)


def bodies_at(
    tenant: Tenant, day: datetime.date, license_id: str, positions: Sequence[int], row_count: int
) -> Iterable[bytes]:
    """The rows at these positions of a license as JSON text."""
    if isinstance(positions, range):
        return tenant.row_bodies(day, license_id, positions.start, len(positions))
    rows = list(tenant.row_bodies(day, license_id, 0, row_count))
    return [rows[position] for position in positions]
