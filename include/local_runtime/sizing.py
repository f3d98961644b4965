"""`make sizing`: what a night and thirteen months of a tenant take, from the unit costs that `make bench` measures."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local_runtime.problem import Problem

UNIT_COSTS = Path(__file__).resolve().parents[1] / "config" / "unit_costs.json"
USUAL_LICENSES = (100, 1_000, 10_000)
USUAL_ROWS_PER_LICENSE = 100
# 60 seconds over 50 requests, and the 2 % more that the budget leaves; steps that work on all rows at once follow.
SECONDS_PER_REQUEST = 60 / 50 * 1.02
NIGHTS = 395
RAW_NIGHTS = 90 + 10  # warehouse_maintenance: 90 days, and the month ends of those before
LEVEL_NIGHTS = 7
HEADROOM = 1.3  # loads that were replaced, free space in pages, and the write-ahead log
MISUSE = 2


@dataclass(frozen=True)
class Tenant:
    """The size of an organization."""

    licenses: int
    rows: int
    page_size: int = 500

    @property
    def requests(self) -> int:
        """The most requests of a night: the list, and for each license its last page and the full ones before."""
        return 1 + self.licenses + self.rows // self.page_size


@dataclass(frozen=True)
class Sizing:
    """What a tenant takes; bytes of one night by layer, and of thirteen months."""

    tenant: Tenant
    raw: float
    intermediate: float
    mart: float
    indexes: float
    once: float
    minutes_reading: float
    minutes_building: float
    disk: float


def sizing(tenant: Tenant, costs: dict[str, Any]) -> Sizing:
    """Reckon with the unit costs of `include/config/unit_costs.json`."""

    def size(*names: str) -> float:
        return sum(_reckoned(costs["bytes"][name], tenant) for name in names)

    raw = size("staging tables", "staging indexes", "ops tables", "ops indexes")
    intermediate = size("intermediate tables", "intermediate indexes")
    mart, indexes = size("mart tables"), size("mart indexes")
    once = size("dimensions tables", "dimensions indexes")
    speeds = costs["rows_per_second"]
    building = sum(tenant.rows / speed for step, speed in speeds.items() if step != "extract")
    kept = raw * RAW_NIGHTS + intermediate * LEVEL_NIGHTS + (mart + indexes) * NIGHTS + once
    return Sizing(
        tenant=tenant,
        raw=raw,
        intermediate=intermediate,
        mart=mart,
        indexes=indexes,
        once=once,
        minutes_reading=tenant.requests * SECONDS_PER_REQUEST / 60,
        minutes_building=building / 60,
        disk=kept * HEADROOM,
    )


def _reckoned(cost: dict[str, float], tenant: Tenant) -> float:
    return cost["per_load"] + cost["per_license"] * tenant.licenses + cost["per_row"] * tenant.rows


def unit_costs() -> dict[str, Any]:
    """The figures that the benchmark wrote."""
    found: dict[str, Any] = json.loads(UNIT_COSTS.read_text(encoding="utf-8"))
    return found


def table(tenants: list[Tenant]) -> str:
    """A column per tenant, as Markdown."""
    sizings = [sizing(tenant, unit_costs()) for tenant in tenants]
    lines: list[tuple[str, list[str]]] = [
        ("licenses", [f"{each.tenant.licenses:,}" for each in sizings]),
        ("rows a night", [f"{each.tenant.rows:,}" for each in sizings]),
        ("requests a night, at most", [f"{each.tenant.requests:,}" for each in sizings]),
        ("minutes of reading", [_rounded(each.minutes_reading) for each in sizings]),
        ("minutes of building", [_rounded(each.minutes_building) for each in sizings]),
        ("raw pages and ledger, a night", [_bytes(each.raw) for each in sizings]),
        ("intermediate, a night", [_bytes(each.intermediate) for each in sizings]),
        ("facts, a night", [_bytes(each.mart) for each in sizings]),
        ("their indexes, a night", [_bytes(each.indexes) for each in sizings]),
        ("dimensions, once", [_bytes(each.once) for each in sizings]),
        ("disk for 13 months", [_bytes(each.disk) for each in sizings]),
    ]
    head, *rest = lines
    rule = "|---|" + "---:|" * len(tenants)
    return "\n".join([_line(*head), rule, *(_line(*line) for line in rest)])


def _line(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _rounded(minutes: float) -> str:
    return f"{minutes:.1f}" if minutes < 10 else f"{minutes:,.0f}"


def _bytes(size: float) -> str:
    """Two digits that count, as no more are known."""
    power = min(int(math.log(max(size, 1), 1000)), 4)
    scaled = size / 1000**power
    digits = 1 if scaled < 10 else 0
    return f"{scaled:,.{digits}f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def main(licenses: str, rows: str, page_size: str) -> int:
    """Print the table for one tenant, or for the usual three."""
    chosen = _number("LICENSES", licenses)
    tenants = [
        Tenant(count, count * USUAL_ROWS_PER_LICENSE) for count in ([chosen] if chosen else USUAL_LICENSES)
    ]
    if row_count := _number("ROWS", rows):
        if not chosen:
            raise Problem("ROWS needs LICENSES, the number of licenses that have them", MISUSE)
        tenants = [replace(tenant, rows=row_count) for tenant in tenants]
    if size := _number("PAGE_SIZE", page_size):
        tenants = [replace(tenant, page_size=size) for tenant in tenants]
    print(table(tenants))
    return 0


def _number(name: str, text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or int(text) == 0:
        raise Problem(f"{name} must be a whole number above 0, not {text[:40]!r}", MISUSE)
    return int(text)
