"""Refuse a license whose rows have none of the required columns: the API or the field map must have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.errors import PayloadChanged
from chargeback.flexera import LINE_COLUMNS, FieldMap, UnreadableRow, members, parse_page
from chargeback.steps import license_list
from chargeback.warehouse import staging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chargeback.steps.loads import Load
    from chargeback.warehouse.database import Database
    from chargeback.warehouse.staging import Extraction

_FIGURES = tuple(
    LINE_COLUMNS.index(name) for name in ("machine_consumption", "host_consumption", "overridden_consumption")
)


def refuse_changed(database: Database, field_map: FieldMap, load: Load, extraction: Extraction) -> None:
    """Raise PayloadChanged where no row of the staged pages has a required column, and the license consumes.

    Consumers that are idle may come without charges.
    """
    missing = field_map.missing_required("consumption", _rows(database, extraction))
    if not missing or not _consumes(database, field_map, load, extraction):
        return
    raise PayloadChanged(
        f"License {extraction.license_id}: no row has {', '.join(missing)}, although it consumes; the "
        f"rows have {members(_rows(database, extraction))}. Nothing of the license was used. Compare its pages in "
        "staging.consumption_pages with include/config/field_map.yaml and correct the paths there."
    )


def _rows(database: Database, extraction: Extraction) -> Iterator[Any]:
    for _, body in staging.consumption_pages(database, extraction.extraction_id, extraction.load_id):
        yield from parse_page(body.encode()).rows


def _consumes(database: Database, field_map: FieldMap, load: Load, extraction: Extraction) -> bool:
    """True if the license list or any row says so, or a row is none; a license without rows has none to judge."""
    is_idle = [_is_idle(field_map, row) for row in _rows(database, extraction)]
    return bool(is_idle) and (
        not all(is_idle) or bool(_listed_consumption(database, field_map, load, extraction.license_id))
    )


def _is_idle(field_map: FieldMap, row: Any) -> bool:
    try:
        values = field_map.consumption(row).values
    except UnreadableRow:
        return False
    return not any(values[position] for position in _FIGURES)


def _listed_consumption(database: Database, field_map: FieldMap, load: Load, license_id: str) -> object:
    listed = license_list.read(database, field_map, load).licenses
    return next((each["consumed"] for each in listed if each["license_id"] == license_id), None)
