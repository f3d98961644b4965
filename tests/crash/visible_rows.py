"""What BI shows of the night, row by row, and whether it ever shows anything else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from looks import GONE, Looks
from psycopg2 import sql

if TYPE_CHECKING:
    from types import TracebackType

# What tells one load from another though both show the same night.
OF_THE_LOAD = {
    "snapshot": ["source", "request_count", "started_at", "published_at", "dag_run_id"],
    "data_quality": ["checked_at"],
}
VIEWS = "select table_name from information_schema.views where table_schema = 'bi' order by table_name"
EVERY_ROW = (
    "select {name} as view, (to_jsonb(visible) - {left_out}::text[])::text as line from {view} as visible"
)
SAMPLE_SECONDS = 0.2
SHOWN = 5


def visible_rows(warehouse: Looks) -> dict[str, list[str]]:
    """Every row of every view of `bi`, in an order of its own, all of one moment."""
    shown: dict[str, list[str]] = {view: [] for view in _views(warehouse)}
    for row in warehouse.rows(_every_row(list(shown)) + sql.SQL(" order by view, line")):
        shown[row["view"]].append(row["line"])
    return shown


def fingerprints(warehouse: Looks, views: list[str]) -> dict[str, str]:
    """How many rows each view has and what they add up to, all of one moment."""
    query = sql.SQL(
        "select view, count(*) || ' rows, md5 ' || md5(string_agg(line, '|' order by line)) as fingerprint "
        "from ({}) as every_row group by view"
    )
    found = warehouse.rows(query.format(_every_row(views)))
    return dict.fromkeys(views, "no row") | {row["view"]: row["fingerprint"] for row in found}


def differences(expected: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    """What is missing and what is too much, view by view, with the first rows of each."""
    told = []
    for view in sorted({*expected, *found}):
        before, after = expected.get(view, []), found.get(view, [])
        if before != after:
            told.append(f"bi.{view}: {len(after)} rows instead of {len(before)}")
            told += [f"  missing: {line}" for line in _without(before, after)[:SHOWN]]
            told += [f"  too much: {line}" for line in _without(after, before)[:SHOWN]]
    return told


class Watch:
    """Looks at BI again and again while something happens, and remembers what it saw that it should not."""

    def __init__(self, warehouse: Looks) -> None:
        self.looks = 0
        self.differences: list[str] = []
        self._views = _views(warehouse)
        self._expected = fingerprints(warehouse, self._views)
        self._warehouse = Looks(warehouse.url)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._warehouse.close()

    def _watch(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            try:
                found = fingerprints(self._warehouse, self._views)
            except GONE:
                self._warehouse.close()
                continue
            self.looks += 1
            if found != self._expected and not self.differences:
                self.differences = [
                    f"meanwhile bi.{view} showed {found[view]} instead of {self._expected[view]}"
                    for view in self._views
                    if found[view] != self._expected[view]
                ]


def _views(warehouse: Looks) -> list[str]:
    return [row["table_name"] for row in warehouse.rows(VIEWS)]


def _every_row(views: list[str]) -> sql.Composable:
    return sql.SQL(" union all ").join(
        sql.SQL(EVERY_ROW).format(
            name=sql.Literal(view),
            left_out=sql.Literal(OF_THE_LOAD.get(view, [])),
            view=sql.Identifier("bi", view),
        )
        for view in views
    )


def _without(lines: list[str], others: list[str]) -> list[str]:
    left = list(lines)
    for line in others:
        if line in left:
            left.remove(line)
    return left
