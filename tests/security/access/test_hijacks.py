"""Where everybody may create in "public", as in databases that come from a version before 15: nothing of it is run."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from access_world import AccessWorld, access_world

from chargeback.steps.loads import lock_snapshot
from chargeback.warehouse import migrations
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A call with a plain number fits it better than PostgreSQL's own, which takes a bigint.
TRAP = """
create table public.caught (who text not null default current_user);
grant insert on public.caught to public;
create function public.hashtextextended(text, integer) returns bigint language plpgsql as
'begin insert into public.caught default values; return 1; end';
"""


@pytest.fixture(scope="module")
def open_world(
    postgres_url: str, warehouse_template: str, on_server: Callable[[str], None]
) -> Iterator[AccessWorld]:
    """A warehouse in which an owner of a cost center laid a trap for whoever has more rights."""
    with access_world(postgres_url, warehouse_template, on_server) as world:
        world.admin.run("grant create on schema public to public")
        world.person("attacker", "chargeback_owner").run(TRAP)
        yield world


def caught(world: AccessWorld) -> list[str]:
    """Who ran into the trap so far."""
    return [who for (who,) in world.admin.rows("select who from public.caught")]


def test_the_trap_works_where_nothing_stops_it(open_world: AccessWorld) -> None:
    open_world.admin.run("select hashtextextended('anything', 0)")

    assert caught(open_world) == ["postgres"]
    open_world.admin.run("truncate public.caught")


def test_a_migration_runs_nothing_of_others(open_world: AccessWorld) -> None:
    assert migrations.upgrade(open_world.url) == []
    assert migrations.is_current(open_world.url)
    assert caught(open_world) == []


def test_the_nightly_job_runs_nothing_of_others(open_world: AccessWorld) -> None:
    database = Database.connect(open_world.person("nightly", "chargeback_loader").url)
    with database.transaction() as connection:
        lock_snapshot(connection, "12345", date(2026, 11, 24))
        execute(connection, "select ops.ensure_partitions(1, '2026-11-24')")

    assert caught(open_world) == []
