"""`make model`: docs/model.md anew, from the catalog of a database that has this version's schema and nothing else."""

from __future__ import annotations

import uuid

import sqlalchemy
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from local_runtime.places import PROJECT
from local_runtime.system import database_server

PAGE = PROJECT / "docs" / "model.md"


def main() -> int:
    """Migrate a new database, write the page, drop the database."""
    from chargeback.warehouse import migrations, model_page
    from chargeback.warehouse.database import Database

    with database_server(quiet=True) as server:
        url = make_url(server.url()).set(drivername="postgresql+psycopg2")
        name = f"model_{uuid.uuid4().hex}"
        administrator = sqlalchemy.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with administrator.connect() as connection:
            connection.exec_driver_sql(f"create database {name} template template0")
            try:
                migrations.upgrade(url.set(database=name))
                with Database.connect(url.set(database=name)).transaction() as catalog:
                    PAGE.write_text(model_page.render(catalog), encoding="utf-8")
            finally:
                connection.exec_driver_sql(f"drop database {name} with (force)")
    print(f"{PAGE.relative_to(PROJECT)} says what the database says.")
    return 0
