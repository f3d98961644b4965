"""A migrated warehouse on real PostgreSQL; every test works in a transaction that is rolled back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import URL, make_url
from warehouse_nights import Nights

from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection


@pytest.fixture
def new_database(postgres_url: str, on_server: Callable[[str], None]) -> Iterator[URL]:
    """A database with nothing in it."""
    name = f"warehouse_new_{uuid.uuid4().hex}"
    on_server(f"create database {name} template template0")
    yield make_url(postgres_url).set(drivername="postgresql+psycopg2", database=name)
    on_server(f"drop database {name} with (force)")


@pytest.fixture
def connection(module_warehouse_url: str) -> Iterator[Connection]:
    """A transaction on a warehouse that the tests of a file share, rolled back at the end."""
    with Database.connect(module_warehouse_url).session() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def nights(connection: Connection) -> Nights:
    """What the nightly job would have done with given licenses and lines."""
    return Nights(connection)
