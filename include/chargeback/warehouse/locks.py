"""Locks that only the job can take: rows of ops.locks, which a reader can neither lock nor hold up.

Advisory locks are open to every login of the database, and pg_locks shows their keys.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

# Until the transaction ends. Who waits for a row that is committed gets it in order of arrival.
TAKE = """
insert into ops.locks (name) values (%(name)s) on conflict (name) do nothing;
select name from ops.locks where name = %(name)s for update
"""
# A session that waits or holds a lock is not ended for it, and one whose client is lost ends within half a minute.
STAY = """
select set_config(pg_settings.name, wanted.setting, false)
from
    (
        values
        ('idle_session_timeout', '0'),
        ('idle_in_transaction_session_timeout', '0'),
        ('transaction_timeout', '0'),
        ('statement_timeout', '0'),
        ('lock_timeout', '0'),
        ('tcp_keepalives_idle', '15'),
        ('tcp_keepalives_interval', '5'),
        ('tcp_keepalives_count', '3')
    ) as wanted (name, setting)
inner join pg_settings on wanted.name = pg_settings.name
"""


def take(connection: Connection, name: str) -> None:
    """Wait for a lock and hold it until the transaction of this connection ends."""
    execute(connection, TAKE, name=name)


@contextmanager
def held(database: Database, name: str) -> Iterator[Connection]:
    """Hold a lock for the block, through transactions of other connections; a killed process lets go of it.

    Yields the connection that holds it: as long as it answers, the lock is held.
    """
    with database.session() as connection:
        execute(connection, STAY)
        take(connection, name)
        yield connection
