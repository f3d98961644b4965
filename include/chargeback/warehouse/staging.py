"""Land pages verbatim, each exactly once, with the ledger that counts them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import event

from chargeback.warehouse import locks
from chargeback.warehouse.database import Database, copy_rows, execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Extraction:
    """One attempt to read one license's consumption; `next_page` is where an interrupted one goes on."""

    extraction_id: int
    load_id: int
    license_id: str
    page_count: int
    next_page: str | None


@dataclass(frozen=True, slots=True)
class FinishedExtraction:
    """What the ledger says of an attempt that has ended, all its tries together."""

    license_name: str | None
    page_count: int
    row_count: int
    request_count: int
    seconds: Decimal


@dataclass(frozen=True, slots=True)
class StagedPage:
    """One page as received; `request_count` is what it cost to fetch, retries included."""

    number: int
    body: bytes
    row_count: int
    next_page: str | None
    request_count: int


def stage_license_page(connection: Connection, load_id: int, number: int, body: bytes) -> None:
    """Keep one page of the license list."""
    copy_rows(
        connection, "staging.license_pages", ["load_id", "page_number", "body"], [(load_id, number, body)]
    )


@contextmanager
def license_session(database: Database, load_id: int, license_id: str) -> Iterator[Connection]:
    """A connection to extract one license of one load, once no other task extracts it.

    Each transaction begins with a look at the lock: once its own connection is lost, nothing more is written.
    """
    name = f"extraction/{load_id}/{license_id}"
    with locks.held(database, name) as lock, database.session() as connection:
        event.listen(connection, "begin", lambda _: execute(lock, "select 1"))
        yield connection


def interrupted_extraction(connection: Connection, load_id: int, license_id: str) -> Extraction | None:
    """The latest attempt, where it stopped between two pages and can go on."""
    row = execute(
        connection,
        """
        select extraction_id, load_id, license_id, page_count, next_page, status
        from ops.extractions
        where load_id = %(load_id)s and license_id = %(license_id)s
        order by attempt desc
        limit 1
        """,
        load_id=load_id,
        license_id=license_id,
    ).one_or_none()
    connection.commit()
    if row is None or row.status not in {"running", "failed"} or not row.next_page:
        return None
    return Extraction(row.extraction_id, row.load_id, row.license_id, row.page_count, row.next_page)


def begin_extraction(connection: Connection, load_id: int, license_id: str) -> Extraction:
    """Start a new attempt; attempts that did not finish are closed and leave no page behind."""
    with connection.begin():
        discard_unfinished(connection, load_id, license_id)
        extraction_id = execute(
            connection,
            """
            insert into ops.extractions (load_id, license_id, attempt, status)
            select
                %(load_id)s,
                %(license_id)s,
                coalesce(max(attempt), 0) + 1,
                'running'
            from ops.extractions
            where load_id = %(load_id)s and license_id = %(license_id)s
            returning extraction_id
            """,
            load_id=load_id,
            license_id=license_id,
        ).scalar_one()
    return Extraction(extraction_id, load_id, license_id, 0, None)


def resume_extraction(connection: Connection, extraction: Extraction) -> None:
    """Mark an interrupted attempt as running again."""
    with connection.begin():
        execute(
            connection,
            "update ops.extractions set status = 'running', error = null where extraction_id = %(extraction_id)s",
            extraction_id=extraction.extraction_id,
        )


def discard_unfinished(connection: Connection, load_id: int, license_id: str) -> None:
    """Delete the pages of attempts that never finished and mark them failed."""
    execute(
        connection,
        """
        with unfinished as (
            update ops.extractions
            set
                status = 'failed',
                next_page = null,
                finished_at = coalesce(finished_at, clock_timestamp()),
                error = coalesce(error, 'interrupted')
            where
                load_id = %(load_id)s
                and license_id = %(license_id)s
                and status in ('running', 'failed')
            returning extraction_id
        )

        delete from staging.consumption_pages
        where
            load_id = %(load_id)s
            and extraction_id in (select extraction_id from unfinished)
        """,
        load_id=load_id,
        license_id=license_id,
    )


def stage_consumption_page(connection: Connection, extraction: Extraction, page: StagedPage) -> None:
    """Commit one page together with its line in the ledger: both or neither."""
    with connection.begin():
        copy_rows(
            connection,
            "staging.consumption_pages",
            ["load_id", "extraction_id", "license_id", "page_number", "row_count", "body"],
            [
                (
                    extraction.load_id,
                    extraction.extraction_id,
                    extraction.license_id,
                    page.number,
                    page.row_count,
                    page.body,
                )
            ],
        )
        execute(
            connection,
            """
            update ops.extractions
            set
                page_count = %(page_number)s,
                row_count = row_count + %(row_count)s,
                byte_count = byte_count + %(byte_count)s,
                request_count = request_count + %(request_count)s,
                next_page = %(next_page)s
            where extraction_id = %(extraction_id)s
            """,
            page_number=page.number,
            row_count=page.row_count,
            byte_count=len(page.body),
            request_count=page.request_count,
            next_page=page.next_page,
            extraction_id=extraction.extraction_id,
        )


def finish_extraction(
    connection: Connection,
    extraction: Extraction,
    status: str,
    request_count: int,
    error: str | None = None,
    *,
    may_go_on: bool = True,
) -> FinishedExtraction:
    """Close an attempt as 'complete', 'deleted' or 'failed'; `request_count` are those that brought no page.

    A failed one that may not go on, as its chain of pages led astray, is read anew from its first page.
    """
    with connection.begin():
        row = execute(
            connection,
            """
            update ops.extractions
            set
                status = %(status)s,
                error = %(error)s,
                next_page = case when %(may_go_on)s then next_page end,
                request_count = request_count + %(request_count)s,
                finished_at = clock_timestamp()
            where extraction_id = %(extraction_id)s
            returning
                (
                    select load_licenses.license_name
                    from ops.load_licenses
                    where
                        load_licenses.load_id = extractions.load_id
                        and load_licenses.license_id = extractions.license_id
                ) as license_name,
                page_count,
                row_count,
                request_count,
                seconds
            """,
            status=status,
            request_count=request_count,
            error=error,
            may_go_on=may_go_on,
            extraction_id=extraction.extraction_id,
        ).one()
    return FinishedExtraction(**row._mapping)


def license_pages(database: Database, load_id: int) -> Iterator[tuple[int, str]]:
    """The pages of a load's license list, in order: number and body."""
    with database.session() as connection:
        yield from (
            (row.page_number, row.body)
            for row in execute(
                connection,
                "select page_number, body from staging.license_pages where load_id = %(load_id)s order by page_number",
                load_id=load_id,
            )
        )


def consumption_pages(
    database: Database, extraction_id: int, pages_load_id: int
) -> Iterator[tuple[int, str]]:
    """The pages of one extraction, in order, one in memory at a time: number and body."""
    with database.session() as connection:
        result = connection.execution_options(stream_results=True, max_row_buffer=1).exec_driver_sql(
            """
            select page_number, body
            from staging.consumption_pages
            where load_id = %(load_id)s and extraction_id = %(extraction_id)s
            order by page_number
            """,
            {"load_id": pages_load_id, "extraction_id": extraction_id},
        )
        for row in result.yield_per(1):
            yield row.page_number, row.body
