"""Second look at the license list, for a license that the API has no consumption of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chargeback.plain_text import plain_logger
from chargeback.steps import license_list
from chargeback.warehouse import locks
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from chargeback.flexera import FieldMap, FlexeraClient

log = plain_logger(__name__)

# A look serves all licenses that it no longer finds, and for this long those that it does find.
_SECONDS_A_LOOK_SERVES = 60


def is_deleted(
    client: FlexeraClient, database: Database, field_map: FieldMap, load_id: int, license_id: str
) -> bool:
    """True if the tenant's license list, read again, no longer holds the license; writes it into the ledger.

    Tasks that ask at once wait for the first one's look. An empty list proves no deletion.
    """
    with locks.held(database, f"relisting/{load_id}"), database.session() as connection:
        deleted, is_recent = _known(connection, load_id, license_id)
        if deleted or is_recent:
            return deleted
        log.info("License list: reading it again for license %s", license_id)
        listed = license_list.ids(field_map, client.license_pages())
        with connection.begin():
            _write(connection, load_id, listed)
        deleted, _ = _known(connection, load_id, license_id)
    return deleted


def _known(connection: Connection, load_id: int, license_id: str) -> tuple[bool, bool]:
    """Whether the license is known to be deleted, and whether the last look is recent."""
    with connection.begin():
        row = execute(
            connection,
            """
            select
                load_licenses.delisted_at is not null as is_deleted,
                coalesce(
                    loads.relisted_at > clock_timestamp() - make_interval(secs => %(seconds)s), false
                ) as is_recent
            from ops.loads
            inner join ops.load_licenses on loads.load_id = load_licenses.load_id
            where loads.load_id = %(load_id)s and load_licenses.license_id = %(license_id)s
            """,
            seconds=_SECONDS_A_LOOK_SERVES,
            load_id=load_id,
            license_id=license_id,
        ).one()
    return row.is_deleted, row.is_recent


def _write(connection: Connection, load_id: int, listed: set[str]) -> None:
    execute(
        connection,
        "update ops.loads set relisted_at = clock_timestamp() where load_id = %(load_id)s",
        load_id=load_id,
    )
    if not listed:
        return
    execute(
        connection,
        """
        update ops.load_licenses
        set delisted_at = clock_timestamp()
        where load_id = %(load_id)s and delisted_at is null and license_id <> all(%(listed)s)
        """,
        load_id=load_id,
        listed=sorted(listed),
    )
