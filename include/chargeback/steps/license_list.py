"""Read the staged license list by the field map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chargeback.errors import PayloadChanged
from chargeback.flexera import FieldMap, UnreadableRow, parse_page
from chargeback.warehouse import staging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chargeback.steps.loads import Load
    from chargeback.warehouse.database import Database


def read(database: Database, field_map: FieldMap, load: Load) -> list[dict[str, Any]]:
    """The licenses the load knows of, each once, in the order of the list: canonical column to value.

    A license that cannot be read stops the load with PayloadChanged: left out, it would be charged to nobody.
    """
    licenses = {
        license_["license_id"]: license_
        for number, body in staging.license_pages(database, load.pages_load_id)
        for license_ in _read_page(field_map, number, parse_page(body.encode()).rows)
    }
    return list(licenses.values())


def _read_page(
    field_map: FieldMap, page_number: int, rows: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    missing = field_map.missing_required("license", rows)
    if rows and missing:
        raise PayloadChanged(
            f"License list page {page_number}: no row has {', '.join(missing)}. Nothing was published. "
            "Compare the API's answer with include/config/field_map.yaml and correct the paths there."
        )
    for row_number, row in enumerate(rows, start=1):
        try:
            yield field_map.license(row)
        except UnreadableRow as error:
            raise PayloadChanged(
                f"License list page {page_number} row {row_number}: {error}. A license that cannot be read would "
                "be charged to nobody, so nothing was published. Correct the license in Flexera One or its paths "
                "in include/config/field_map.yaml."
            ) from error
