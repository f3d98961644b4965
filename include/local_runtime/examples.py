"""`make examples`: worked license arithmetic through the rules of the warehouse in use."""

from __future__ import annotations

from pathlib import Path

from local_runtime import connections
from local_runtime.problem import Problem
from local_runtime.system import database_server, migrate_warehouse, named_connections


def main(file: str) -> int:
    """Run the examples of a file; nothing of them stays in the warehouse. 1 where one is missed."""
    from chargeback.errors import ChargebackError
    from chargeback.examples import runner
    from chargeback.warehouse.database import Database

    with database_server(quiet=True) as server:
        named = named_connections(server)
        migrate_warehouse(named, quiet=True)
        database = Database.connect(connections.warehouse_url(named))
        try:
            return runner.main(database, Path(file) if file else None)
        except ChargebackError as error:
            raise Problem(str(error)) from None
