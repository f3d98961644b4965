"""Build one snapshot without Airflow: the steps of the nightly DAG in its order, in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.errors import ChargebackError
from chargeback.plain_text import plain_logger
from chargeback.steps import build, checks, derive, extract, flatten, loads, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chargeback.flexera import FieldMap, FlexeraClient
    from chargeback.methods import Catalog
    from chargeback.steps.load_request import LoadRequest
    from chargeback.warehouse.database import Database

    Step = tuple[str, Callable[[], object]]

log = plain_logger(__name__)


def build_snapshot(
    client: FlexeraClient, database: Database, field_map: FieldMap, catalog: Catalog, request: LoadRequest
) -> int:
    """Build and publish the snapshot that `request` asks for. Returns its `load_id`.

    Raises the error of the first step that fails; nothing is published then.
    """
    load_id = loads.open_load(database, request)
    for _, step in steps(client, database, field_map, catalog, load_id):
        step()
    return load_id


def steps(
    client: FlexeraClient, database: Database, field_map: FieldMap, catalog: Catalog, load_id: int
) -> Iterator[Step]:
    """Yield each step of an open load after `open_load`: its task id, and the call that does it."""
    license_ids: list[str] = []

    def list_licenses() -> None:
        batches = extract.list_licenses(client, database, field_map, load_id, most_batches=1)
        license_ids.extend(license_id for batch in batches for license_id in batch["license_ids"])

    def extract_consumption() -> None:
        try:
            extract.consumption(client, database, field_map, load_id, license_ids)
        except ChargebackError as error:
            if not loads.keeps_previous(database, load_id):
                raise
            log.warning("Keeping the previous rows: %s", error)

    def load() -> loads.Load:
        return loads.for_writing(database, load_id)

    yield "list_licenses", list_licenses
    yield "extract_consumption", extract_consumption
    yield "check_staging", lambda: checks.check_staging(database, load())
    yield "flatten", lambda: flatten.flatten(database, field_map, load())
    yield "build_levels", lambda: build.build(database, load(), "intermediate")
    yield "derive", lambda: derive.derive(database, catalog, load())
    yield "build_star", lambda: build.build(database, load(), "mart")
    yield "check_star", lambda: checks.check(database, load(), "mart")
    yield "publish", lambda: publish.publish(database, load_id)
