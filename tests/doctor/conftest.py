"""Worlds for the doctor: a warehouse as its superuser, and one as a user that may do little."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection


@pytest.fixture
def warehouse(warehouse_url: str) -> Database:
    """A fresh warehouse with the newest schema, as its owner."""
    return Database.connect(warehouse_url)


@pytest.fixture
def session(warehouse: Database) -> Iterator[Connection]:
    """A transaction on it, whose changes are seen by what is examined and undone at the end."""
    with warehouse.session() as connection:
        yield connection


@pytest.fixture
def stranger(warehouse_url: str, on_server: Callable[[str], None]) -> Iterator[str]:
    """The address of the warehouse for a user who owns nothing there and may only connect."""
    name, database = f"stranger_{uuid.uuid4().hex}", make_url(warehouse_url).database
    on_server(f"create role {name} login password 'hush'")
    on_server(f"revoke temporary on database {database} from public")
    yield make_url(warehouse_url).set(username=name, password="hush").render_as_string(hide_password=False)
    on_server(f"drop role {name}")
