"""Run a layer's checks; stop, warn, record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chargeback.errors import CheckFailed
from chargeback.plain_text import plain, plain_logger
from chargeback.steps import loads
from chargeback.warehouse import scripts
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from chargeback.steps.loads import Load
    from chargeback.warehouse.scripts import Check

log = plain_logger(__name__)

_SAMPLE_SIZE = 20
_SHOWN_ROWS = 3
_SHOWN_LETTERS = 600  # what is found ends with what to do


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found: how many rows break it, and the first of them."""

    check: Check
    failing_row_count: int
    sample: list[dict[str, Any]]

    @property
    def is_passed(self) -> bool:
        return self.failing_row_count == 0

    def __str__(self) -> str:
        shown = "; ".join(
            ", ".join(
                f"{name} {plain(value, _SHOWN_LETTERS).removesuffix('.')}" for name, value in row.items()
            )
            for row in self.sample[:_SHOWN_ROWS]
        )
        rows = "1 row" if self.failing_row_count == 1 else f"{self.failing_row_count} rows, first"
        return f"{self.check.name}: {rows}: {shown}"


def check_staging(database: Database, load: Load) -> dict[str, int]:
    """Settle which extractions the load is built from, then check that nothing is missing from them."""
    with database.transaction() as connection:
        loads.settle_extractions(connection, load)
    return check(database, load, "staging")


def check(database: Database, load: Load, layer: str) -> dict[str, int]:
    """Run and record every check of `layer`; CheckFailed names those of severity 'fail' that found rows."""
    with database.transaction() as connection:
        results = [
            CheckResult(check_, *scripts.failing_rows(connection, check_, load.parameters, _SAMPLE_SIZE))
            for check_ in scripts.checks(layer)
        ]
    with database.transaction() as connection:
        record(connection, load.load_id, layer, results)
    warnings = [result for result in results if result.check.severity == "warn" and not result.is_passed]
    failures = [result for result in results if result.check.severity == "fail" and not result.is_passed]
    for result in warnings:
        log.warning("%s", result)
    if failures:
        raise CheckFailed(
            f"Load {load.load_id} of snapshot {load.snapshot_date} broke {len(failures)} of {len(results)} checks "
            f"of {layer}. {' | '.join(map(str, failures))}. Nothing was published; the last good snapshot stays "
            "visible. The rows are in ops.check_results."
        )
    return {"checks": len(results), "warnings": len(warnings)}


def record(connection: Connection, load_id: int, layer: str, results: Sequence[CheckResult]) -> None:
    """Replace what ops.check_results says of the load and layer; a star without a failure may be published."""
    execute(
        connection,
        "delete from ops.check_results where load_id = %(load_id)s and layer = %(layer)s",
        load_id=load_id,
        layer=layer,
    )
    for result in results:
        execute(
            connection,
            """
            insert into ops.check_results (
                load_id, layer, check_name, severity, dimension, description, is_passed, failing_row_count, sample
            )
            values (
                %(load_id)s, %(layer)s, %(check_name)s, %(severity)s, %(dimension)s, %(description)s,
                %(is_passed)s, %(failing_row_count)s, %(sample)s::jsonb
            )
            """,
            load_id=load_id,
            layer=layer,
            check_name=result.check.name,
            severity=result.check.severity,
            dimension=result.check.dimension,
            description=result.check.description,
            is_passed=result.is_passed,
            failing_row_count=result.failing_row_count,
            sample=json.dumps(result.sample, default=str),
        )
    if layer == "mart" and all(result.is_passed or result.check.severity == "warn" for result in results):
        execute(
            connection,
            "update ops.loads set star_checked_at = clock_timestamp() where load_id = %(load_id)s",
            load_id=load_id,
        )
