"""Run the warehouse's part of the nightly job on licenses and lines that a test gives."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from chargeback.methods import Catalog
from chargeback.steps import checks, derive
from chargeback.steps.build import LAYERS
from chargeback.steps.flatten import content_hash
from chargeback.warehouse import scripts
from chargeback.warehouse.database import copy_rows, execute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

Found = dict[str, list[str]]


class Nights:
    """Each `run` is a load: ledger and lines as given, then the real transforms, checks and publishing."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.load_id = 0
        self.org_id = "12345"
        self.parameters: dict[str, object] = {}

    def run(self, night: Mapping[str, Any]) -> Found:
        """Build one load; publish it where no check forbids. Returns the license ids that checks found."""
        self.load_id += 1
        date_ = night.get("snapshot_date", date(2026, 11, 24))
        self._received_at = night.get("received_at", f"{date_} 02:00 UTC")
        parameters = self.parameters = self._open(night)
        for statement in night.get("seeds", ()):
            execute(self.connection, statement)
        for position, license_ in enumerate(night.get("licenses", ()), start=1):
            self._land(license_, position)
        self._sabotage(night.get("sabotage_staging", ()))
        found = self._check("staging", parameters)
        if self._forbids("staging", found):
            return found
        self.build()
        self._sabotage(night.get("sabotage_star", ()))
        found |= self._check("mart", parameters)
        if not self._forbids("mart", found):
            self._publish(parameters)
        return found

    def build(self) -> None:
        """Fill every table from the lines, in the job's own order."""
        for table in LAYERS["intermediate"]:
            scripts.transform(self.connection, "intermediate", table, self.parameters)
        derive.write(self.connection, Catalog.read(), self.parameters)
        for table in LAYERS["mart"]:
            scripts.transform(self.connection, "mart", table, self.parameters)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table: of the last load where it keeps loads apart."""
        columns = list(execute(self.connection, f"select * from {table} limit 0").keys())
        of_load = f" where load_id = {self.load_id}" if "load_id" in columns else ""
        return [dict(row) for row in execute(self.connection, f"select * from {table}{of_load}").mappings()]

    def _open(self, night: Mapping[str, Any]) -> dict[str, object]:
        snapshot_date = night.get("snapshot_date", date(2026, 11, 24))
        execute(
            self.connection,
            """
            insert into ops.loads (
                load_id, org_id, snapshot_date, source, pages_load_id, status, on_license_failure,
                allowed_shrink_percent, allowed_gap_percent, dag_run_id
            )
            overriding system value
            values (
                %(load_id)s, %(org_id)s, %(date)s, 'api', %(load_id)s, 'running', %(policy)s, %(shrink)s, %(gap)s,
                'manual'
            )
            """,
            load_id=self.load_id,
            org_id=self.org_id,
            date=snapshot_date,
            policy=night.get("on_license_failure", "fail"),
            shrink=night.get("allowed_shrink_percent", 20),
            gap=night.get("allowed_gap_percent", 10),
        )
        execute(
            self.connection,
            "select ops.ensure_partitions(%(load_id)s, %(date)s)",
            load_id=self.load_id,
            date=snapshot_date,
        )
        return {
            "load_id": self.load_id,
            "pages_load_id": self.load_id,
            "org_id": self.org_id,
            "snapshot_date": snapshot_date,
        }

    def _land(self, license_: Mapping[str, Any], position: int) -> None:
        license_id = str(license_["license_id"])
        attributes = {
            name: license_.get(name)
            for name in (
                "license_name",
                "license_type",
                "publisher",
                "edition",
                "version",
                "purchased",
                "consumed",
                "expires_on",
            )
        }
        self._insert("intermediate.int_licenses", [{"license_id": license_id, **attributes}])
        is_selected = license_.get("is_selected", True)
        extraction_id = self._extract(license_, license_id) if is_selected else None
        self._insert(
            "ops.load_licenses",
            [
                {
                    "license_id": license_id,
                    "position": position,
                    **{name: attributes[name] for name in ("license_name", "license_type", "publisher")},
                    "is_selected": is_selected,
                    "extraction_id": extraction_id,
                }
            ],
        )

    def _extract(self, license_: Mapping[str, Any], license_id: str) -> int | None:
        status = license_.get("extraction", "complete")
        pages = _pages(license_.get("lines", ())) if status == "complete" else []
        quarantined = license_.get("quarantined", 0)
        ledger = {
            "page_count": len(pages),
            "row_count": sum(map(len, pages)) + quarantined,
            **license_.get("ledger", {}),
        }
        extraction_id: int = execute(
            self.connection,
            """
            insert into ops.extractions (load_id, license_id, attempt, status, page_count, row_count, error)
            values (%(load_id)s, %(license_id)s, 1, %(status)s, %(page_count)s, %(row_count)s, %(error)s)
            returning extraction_id
            """,
            load_id=self.load_id,
            license_id=license_id,
            status=status,
            error=license_.get("error"),
            **ledger,
        ).scalar_one()
        for number, page in enumerate(pages, start=1):
            row_count = len(page) + (quarantined if number == 1 else 0)
            self._land_page(extraction_id, license_id, number, page, row_count)
        self._insert(
            "ops.quarantined_rows",
            [
                {
                    "license_id": license_id,
                    "page_number": 1,
                    "row_number": 1000 + number,
                    "reason": "not a number",
                }
                for number in range(quarantined)
            ],
        )
        return extraction_id if status in {"complete", "deleted"} else None

    def _land_page(
        self, extraction_id: int, license_id: str, number: int, page: list[Mapping[str, Any]], row_count: int
    ) -> None:
        received_at = self._received_at
        key = {"license_id": license_id, "page_number": number}
        self._insert(
            "staging.consumption_pages",
            [
                {
                    **key,
                    "extraction_id": extraction_id,
                    "row_count": row_count,
                    "body": "[]",
                    "received_at": received_at,
                }
            ],
        )
        for row_number, line in enumerate(page, start=1):
            row = {**key, "row_number": row_number}
            columns = {name: value for name, value in line.items() if name != "products"}
            content = content_hash({name: str(value) for name, value in line.items() if value is not None})
            self._insert("intermediate.int_consumption_lines", [{**row, "content_hash": content, **columns}])
            self._insert(
                "intermediate.int_line_products",
                [
                    {**row, "position": position, **product}
                    for position, product in enumerate(line.get("products", ()), start=1)
                ],
            )

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            columns = ["load_id", *row]
            copy_rows(self.connection, table, columns, [(self.load_id, *row.values())])

    def _sabotage(self, statements: Sequence[str]) -> None:
        for statement in statements:
            assert execute(self.connection, statement).rowcount > 0

    def _check(self, layer: str, parameters: Mapping[str, object]) -> Found:
        results = [
            checks.CheckResult(check, *scripts.failing_rows(self.connection, check, parameters, 1000))
            for check in scripts.checks(layer)
        ]
        checks.record(self.connection, self.load_id, layer, results)
        return {
            result.check.name: sorted(str(row["license_id"]) for row in result.sample)
            for result in results
            if not result.is_passed
        }

    def _forbids(self, layer: str, found: Found) -> bool:
        return any(check.severity == "fail" and check.name in found for check in scripts.checks(layer))

    def _publish(self, parameters: Mapping[str, object]) -> None:
        execute(
            self.connection,
            """
            insert into ops.snapshots (org_id, snapshot_date, load_id)
            values (%(org_id)s, %(snapshot_date)s, %(load_id)s)
            on conflict (org_id, snapshot_date) do update set load_id = excluded.load_id
            """,
            **parameters,
        )
        execute(
            self.connection,
            "update ops.loads set status = 'published' where load_id = %(load_id)s",
            load_id=self.load_id,
        )


def _pages(lines: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The lines by page, in order; a license without lines has one empty page."""
    last_page = max((line.get("page_number", 1) for line in lines), default=1)
    pages: list[list[Mapping[str, Any]]] = [[] for _ in range(last_page)]
    for line in lines:
        pages[line.get("page_number", 1) - 1].append(
            {name: value for name, value in line.items() if name != "page_number"}
        )
    return pages
