"""License list to batches, consumption pages to staging."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from chargeback.errors import (
    ChargebackError,
    EndpointMissing,
    FinalError,
    LicenseGone,
    NothingSelected,
    PagingError,
    SettingsInvalid,
)
from chargeback.failures import as_ours, named
from chargeback.plain_text import plain, plain_logger
from chargeback.selection import batches
from chargeback.steps import license_list, loads, relisting, required_columns
from chargeback.warehouse import staging
from chargeback.warehouse.database import Database, copy_rows, execute
from chargeback.warehouse.staging import Extraction, StagedPage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Connection

    from chargeback.flexera import FieldMap, FlexeraClient, Page
    from chargeback.steps.loads import Load

log = plain_logger(__name__)

# A license of many pages takes long; its log shows that it moves on.
_PAGES_BETWEEN_LOG_LINES = 25
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class ListedLicense:
    """What the license list says of one license, as far as the filter and the ledger need it."""

    license_id: str
    license_name: str | None
    license_type: str | None
    publisher: str | None

    @property
    def label(self) -> str:
        return plain(self.license_name or "") or f"license {plain(self.license_id)}"


def list_licenses(
    client: FlexeraClient, database: Database, field_map: FieldMap, load_id: int, most_batches: int
) -> list[dict[str, Any]]:
    """Keep the tenant's license list, mark what the run's filter keeps, and return the batches to extract."""
    load = _of_this_organization(client, loads.for_listing(database, load_id))
    if load.source == "api":
        _stage_license_list(client, database, load)
    listed = _listed_licenses(database, field_map, load)
    with database.transaction() as connection:
        known = _extracted_that_date(connection, load) if load.source == "raw" else None
        selected = _select(load, listed, known)
        _write_load_licenses(connection, load, listed, selected)
        if load.source == "raw":
            loads.settle_extractions(connection, load)
    log.info("%s of %s licenses selected (%s)", len(selected), len(listed), load.license_filter)
    names = {license_.license_id: license_.label for license_ in listed}
    return batches([license_.license_id for license_ in selected], names, most_batches)


def consumption(
    client: FlexeraClient, database: Database, field_map: FieldMap, load_id: int, license_ids: list[str]
) -> dict[str, int]:
    """Stage every page of these licenses; one that fails does not stop the others. Returns counts."""
    load = _of_this_organization(client, loads.for_extraction(database, load_id))
    if load.source == "raw":
        return _raw_counts(database, load, license_ids)
    counts = {"licenses": 0, "pages": 0, "rows": 0, "requests": 0}
    failures: list[ChargebackError] = []
    for license_id in license_ids:
        try:
            extracted = _extract_license(client, database, field_map, load, license_id)
        except Exception as error:
            failure = named(as_ours(error), f"License {license_id}")
            log.error("%s", failure)  # noqa: TRY400 - the error is raised below, with its traceback
            failures.append(failure)
        else:
            counts = {name: counts[name] + extracted[name] for name in counts}
    if failures:
        _raise(failures)
    return counts


def _of_this_organization(client: FlexeraClient, load: Load) -> Load:
    """The load, unless the connection leads to another organization than when the load was opened."""
    if client.org_id != load.org_id:
        raise SettingsInvalid(
            f"Load {load.load_id} is of organization {load.org_id}, but the connection now leads to organization "
            f"{client.org_id}. Nothing was asked. Set org_id back, or trigger a new run."
        )
    return load


def _stage_license_list(client: FlexeraClient, database: Database, load: Load) -> None:
    with database.transaction() as connection:
        execute(
            connection, "delete from staging.license_pages where load_id = %(load_id)s", load_id=load.load_id
        )
        before = client.request_count
        for page in client.license_pages():
            staging.stage_license_page(connection, load.load_id, page.number, page.body)
        execute(
            connection,
            "update ops.loads set request_count = %(request_count)s where load_id = %(load_id)s",
            load_id=load.load_id,
            request_count=client.request_count - before,
        )


def _listed_licenses(database: Database, field_map: FieldMap, load: Load) -> list[ListedLicense]:
    return [
        ListedLicense(**{name: license_[name] for name in ListedLicense.__dataclass_fields__})
        for license_ in license_list.read(database, field_map, load).licenses
    ]


def _extracted_that_date(connection: Connection, load: Load) -> set[str]:
    """The licenses that some load of the date set out to extract: the only ones raw pages can rebuild."""
    return set(
        execute(
            connection,
            """
            select distinct load_licenses.license_id
            from ops.load_licenses
            inner join ops.loads on load_licenses.load_id = loads.load_id
            where
                loads.org_id = %(org_id)s
                and loads.snapshot_date = %(snapshot_date)s
                and loads.load_id <> %(load_id)s
                and loads.pages_dropped_at is null
                and load_licenses.is_selected
            """,
            **load.parameters,
        ).scalars()
    )


def _select(load: Load, listed: list[ListedLicense], known: set[str] | None) -> list[ListedLicense]:
    license_filter = load.license_filter.read_against(listed)
    misses = license_filter.misses(listed)
    if unknown := misses.pop("license_ids", None):  # of licenses deleted since, most often
        log.warning("The tenant has no license with these ids: %s", _first(unknown))
    selected = [
        license_
        for license_ in listed
        if license_filter.keeps(license_) and (known is None or license_.license_id in known)
    ]
    why = [f"{name} {_first(found)}" for name, found in misses.items()]
    if not selected:
        why += [f"license_ids {_first(unknown)}"] if unknown else []
        finds = f" No license has {'; '.join(why)}." if why else ""
        raise NothingSelected(
            f"The filter keeps none of the {len(listed)} licenses of organization {load.org_id} "
            f"({plain(license_filter)}).{finds} Nothing was published. Trigger again with another filter, or with none "
            "to take all licenses."
        )
    if why:
        raise NothingSelected(
            f"A part of the filter keeps none of the {len(listed)} licenses of organization {load.org_id}: "
            f"{'; '.join(why)}. Nothing was published. Correct or remove it, and trigger again."
        )
    return selected


def _first(texts: list[str]) -> str:
    more = len(texts) - _MOST_TOLD
    return ", ".join(texts[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def _write_load_licenses(
    connection: Connection, load: Load, listed: list[ListedLicense], selected: Iterable[ListedLicense]
) -> None:
    selected_ids = {license_.license_id for license_ in selected}
    execute(connection, "delete from ops.load_licenses where load_id = %(load_id)s", load_id=load.load_id)
    copy_rows(
        connection,
        "ops.load_licenses",
        ["load_id", "license_id", "position", "license_name", "license_type", "publisher", "is_selected"],
        [
            (
                load.load_id,
                license_.license_id,
                position,
                license_.license_name,
                license_.license_type,
                license_.publisher,
                license_.license_id in selected_ids,
            )
            for position, license_ in enumerate(listed, start=1)
        ],
    )


def _extract_license(
    client: FlexeraClient, database: Database, field_map: FieldMap, load: Load, license_id: str
) -> dict[str, int]:
    with staging.license_session(database, load.load_id, license_id) as connection:
        interrupted = staging.interrupted_extraction(connection, load.load_id, license_id)
        if interrupted:
            log.info("License %s goes on after page %s, where it stopped", license_id, interrupted.page_count)
            staging.resume_extraction(connection, interrupted)
            try:
                return _stage_pages(client, database, connection, field_map, load, interrupted)
            except PagingError as error:
                log.warning("License %s is read anew from its first page: %s", license_id, error)
        extraction = staging.begin_extraction(connection, load.load_id, license_id)
        return _stage_pages(client, database, connection, field_map, load, extraction)


def _stage_pages(
    client: FlexeraClient,
    database: Database,
    connection: Connection,
    field_map: FieldMap,
    load: Load,
    extraction: Extraction,
) -> dict[str, int]:
    counts = {"licenses": 1, "pages": 0, "rows": 0, "requests": 0}
    sent = client.request_count
    try:
        is_known = False
        for page in _pages(client, database, field_map, extraction):
            is_known = is_known or not field_map.missing_required("consumption", page.rows)
            requests, sent = client.request_count - sent, client.request_count
            staging.stage_consumption_page(connection, extraction, _staged(page, requests))
            counts["pages"] += 1
            counts["rows"] += len(page.rows)
            counts["requests"] += requests
            if page.number % _PAGES_BETWEEN_LOG_LINES == 0:
                log.info(
                    "License %s: page %s is kept, and there are more", extraction.license_id, page.number
                )
        if not is_known:
            required_columns.refuse_changed(database, field_map, load, extraction)
    except LicenseGone as error:
        staging.finish_extraction(connection, extraction, "deleted", client.request_count - sent, str(error))
        log.warning("License %s was deleted during the run: %s", extraction.license_id, error)
    except Exception as error:
        failure = _failed(connection, extraction, error, client.request_count - sent)
        if failure is error:
            raise
        raise failure from error
    else:
        finished = staging.finish_extraction(connection, extraction, "complete", client.request_count - sent)
        log.info(
            "License %s (%s): rows %s, pages %s, requests %s, seconds %.1f",
            extraction.license_id,
            plain(finished.license_name or "no name"),
            finished.row_count,
            finished.page_count,
            finished.request_count,
            finished.seconds,
        )
    return counts


def _failed(
    connection: Connection, extraction: Extraction, error: Exception, request_count: int
) -> ChargebackError:
    """Close an attempt that failed; returns the error as one of ours that names its license."""
    failure, name = as_ours(error), None
    with suppress(SQLAlchemyError):  # of a lost connection, which the failure tells
        name = staging.finish_extraction(
            connection,
            extraction,
            "failed",
            request_count,
            str(failure),
            may_go_on=not isinstance(error, PagingError),
        ).license_name
    return named(failure, f"License {extraction.license_id} ({name or 'no name'})")


def _pages(
    client: FlexeraClient, database: Database, field_map: FieldMap, extraction: Extraction
) -> Iterator[Page]:
    """The pages left to read. A 404 is LicenseGone only if the license list no longer holds the license."""
    try:
        yield from client.consumption_pages(
            extraction.license_id, after=extraction.next_page, first_number=extraction.page_count + 1
        )
    except LicenseGone as error:
        if relisting.is_deleted(client, database, field_map, extraction.load_id, extraction.license_id):
            raise
        raise EndpointMissing(
            f"{error} The license list does not show that it was deleted. Check org_id, zone and api_url of the "
            "connection and the role of its account, and ask Flexera whether the consumption of licenses is "
            "available for this tenant."
        ) from error


def _staged(page: Page, request_count: int) -> StagedPage:
    return StagedPage(
        number=page.number,
        body=page.body,
        row_count=len(page.rows),
        next_page=page.next_page,
        request_count=request_count,
    )


def _raw_counts(database: Database, load: Load, license_ids: list[str]) -> dict[str, int]:
    """What is kept of these licenses for the date; nothing is asked of the API."""
    with database.transaction() as connection:
        kept = execute(
            connection,
            """
            select
                load_licenses.license_id,
                load_licenses.license_name,
                extractions.page_count,
                extractions.row_count
            from ops.load_licenses
            inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
            where load_licenses.load_id = %(load_id)s and load_licenses.license_id = any(%(license_ids)s)
            order by load_licenses.position
            """,
            load_id=load.load_id,
            license_ids=license_ids,
        ).all()
    for row in kept:
        log.info(
            "License %s (%s): rows %s, pages %s, kept of %s; nothing was asked",
            row.license_id,
            plain(row.license_name or "no name"),
            row.row_count,
            row.page_count,
            load.snapshot_date,
        )
    return {
        "licenses": len(kept),
        "pages": sum(row.page_count for row in kept),
        "rows": sum(row.row_count for row in kept),
        "requests": 0,
    }


def _raise(failures: list[ChargebackError]) -> None:
    """Raise what decides about a retry: an error that time may heal, where there is one."""
    temporary = [error for error in failures if not isinstance(error, FinalError)]
    first = (temporary or failures)[0]
    if len(failures) == 1:
        raise first
    raise type(first)(f"{len(failures)} licenses failed, first: {first}") from first
