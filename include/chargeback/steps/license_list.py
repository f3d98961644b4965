"""Read the staged license list by the field map."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from chargeback.errors import PayloadChanged
from chargeback.flexera import FieldMap, UnreadableRow, members, parse_page
from chargeback.plain_text import plain_logger
from chargeback.warehouse import staging

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chargeback.flexera import LicenseEntry, Page
    from chargeback.steps.loads import Load
    from chargeback.warehouse.database import Database

log = plain_logger(__name__)


class UnusableEntry(NamedTuple):
    """An entry of the list that has no id, so that nothing can be asked about it."""

    page_number: int
    row_number: int
    license_name: str
    reason: str


class LicenseList(NamedTuple):
    """The licenses, each once, in the order of the list, and the entries that are none."""

    licenses: list[LicenseEntry]
    unusable: list[UnusableEntry]


def read(database: Database, field_map: FieldMap, load: Load) -> LicenseList:
    """The licenses the load knows of. An entry without an id is left out and named in a warning.

    Raises PayloadChanged where no entry has a required column.
    """
    return _of_pages(
        field_map,
        [
            (number, parse_page(body.encode()).rows)
            for number, body in staging.license_pages(database, load.pages_load_id)
        ],
    )


def ids(field_map: FieldMap, pages: Iterable[Page]) -> set[str]:
    """The ids of the licenses on these pages of the list."""
    found = _of_pages(field_map, [(page.number, page.rows) for page in pages])
    return {license_["license_id"] for license_ in found.licenses}


def _of_pages(field_map: FieldMap, pages: list[tuple[int, Sequence[Any]]]) -> LicenseList:
    _refuse_changed_list(field_map, [rows for _, rows in pages])
    licenses: dict[str, LicenseEntry] = {}
    unusable = []
    for page_number, rows in pages:
        for row_number, row in enumerate(rows, start=1):
            try:
                license_ = field_map.license(row)
            except UnreadableRow as error:
                name = field_map.license_name(row) or "no name"
                unusable.append(UnusableEntry(page_number, row_number, name, error.reason))
            else:
                licenses[license_["license_id"]] = license_
    for entry in unusable:
        log.warning("License list page %s entry %s (%s) is left out, without a readable id: %s", *entry)
    return LicenseList(list(licenses.values()), unusable)


def _refuse_changed_list(field_map: FieldMap, pages: list[Sequence[Any]]) -> None:
    missing = field_map.missing_required("license", chain.from_iterable(pages))
    if missing and any(pages):
        of_pages = "page 1" if len(pages) == 1 else f"pages 1 to {len(pages)}"
        raise PayloadChanged(
            f"License list {of_pages}: no row has {', '.join(missing)}; the rows have "
            f"{members(chain.from_iterable(pages))}. Nothing was published. "
            "Compare the API's answer with include/config/field_map.yaml and correct the paths there."
        )
