"""What the maintenance drops and what it leaves, load by load, on real PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from chargeback import hooks
from chargeback.errors import SourceUnavailable
from chargeback.flexera import FlexeraClient
from chargeback.methods import Catalog
from chargeback.settings import FlexeraSettings
from chargeback.steps import loads, retention
from chargeback.steps.load_request import LoadRequest
from chargeback.steps.retention import RetentionPolicy
from chargeback.steps.snapshot import build_snapshot, steps
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flexera_simulator.testing import RunningSimulator

FIRST, SECOND = "41201", "41202"
OLD, OLD_MONTH_END = date(2026, 5, 30), date(2026, 5, 31)
NOTHING = {"loads": 0, "partitions": 0, "fact_rows": 0, "bytes": 0, "skipped": 0}


def today() -> date:
    return datetime.now(UTC).date()


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


class World:
    """Loads made by the job's own steps, and what is left of them."""

    def __init__(self, simulator: RunningSimulator, database: Database, session: requests.Session) -> None:
        self.simulator = simulator
        self.database = database
        connection = simulator.connection()
        settings = FlexeraSettings.from_connection(
            connection["login"], connection["password"], connection["extra"]
        )
        budget = RequestBudget(database.raw_connection, settings.budget_id, 0, stays_connected=False)
        self.client = FlexeraClient.over(session, settings, budget)
        self.field_map = hooks.field_map()

    def open(self, snapshot_date: date, source: str = "api", **params: Any) -> int:
        return loads.open_load(self.database, self.request(snapshot_date, source, **params))

    def request(self, snapshot_date: date, source: str = "api", **params: Any) -> LoadRequest:
        return LoadRequest.from_params(
            {"source": source, "license_ids": [FIRST, SECOND], "allow_partial": True, **params},
            org_id="12345",
            today=today(),
            default_date=snapshot_date,
        )

    def do(self, load_id: int, *names: str) -> None:
        """These steps of a load; without names, all from its license list to its publishing."""
        for name, step in steps(self.client, self.database, self.field_map, Catalog.read(), load_id):
            if not names or name in names:
                step()

    def extract(self, load_id: int) -> None:
        self.do(load_id, "list_licenses", "extract_consumption")

    def check_staging(self, load_id: int) -> None:
        self.do(load_id, "check_staging")

    def finish(self, load_id: int) -> None:
        self.do(
            load_id,
            "check_staging",
            "flatten",
            "build_levels",
            "derive",
            "build_star",
            "check_star",
            "publish",
        )

    def publish(self, snapshot_date: date, source: str = "api", **params: Any) -> int:
        """A load from its opening to its publishing."""
        request = self.request(snapshot_date, source, **params)
        return build_snapshot(self.client, self.database, self.field_map, Catalog.read(), request)

    def fail(self, snapshot_date: date, source: str = "api") -> int:
        """A load that read its pages and then failed."""
        load_id = self.open(snapshot_date, source)
        self.extract(load_id)
        loads.record_failure(self.database, load_id, "the machine lost power")
        return load_id

    def maintain(self, days: int = 0, sleep: Callable[[float], None] = lambda _: None, **policy: Any) -> Any:
        """The maintenance as it runs in so many days."""
        return retention.apply(self.database, RetentionPolicy(**policy), in_days(days), sleep=sleep)

    def values(self, statement: str) -> set[Any]:
        with self.database.transaction() as connection:
            return set(execute(connection, statement).scalars())

    def execute(self, statement: str) -> None:
        with self.database.transaction() as connection:
            execute(connection, statement)

    def with_partitions(self, schema: str) -> set[int]:
        """The loads that have partitions in a schema; whoever has one, has all."""
        tables = self.values(
            f"select relname from pg_class where relkind = 'p' and relnamespace = '{schema}'::regnamespace"
        )
        found = [
            self.values(
                "select substring(child.relname from '_load_([0-9]+)$')::bigint from pg_inherits "
                "inner join pg_class as child on inhrelid = child.oid "
                f"where inhparent = '{schema}.{table}'::regclass"
            )
            for table in tables
        ]
        assert all(each == found[0] for each in found), "a load is half dropped"
        return found[0]

    def with_facts(self) -> set[int]:
        return self.values("select load_id from mart.fct_chargeback")

    def dropped(self, part: str) -> set[int]:
        return self.values(f"select load_id from ops.loads where {part}_dropped_at is not null")

    def bi(self) -> dict[str, list[str]]:
        """Every row of every view of bi."""
        views = self.values("select table_name from information_schema.views where table_schema = 'bi'")
        assert {"chargeback", "license_position", "snapshot"} <= views
        with self.database.transaction() as connection:
            return {
                view: sorted(execute(connection, f"select visible::text from bi.{view} as visible").scalars())
                for view in views
            }


@pytest.fixture
def world(simulator: RunningSimulator, warehouse_url: str) -> Iterator[World]:
    with requests.Session() as session:
        yield World(simulator, Database.connect(warehouse_url), session)
    simulator.clear_faults()


def test_loads_that_nobody_sees_go_and_bi_shows_exactly_the_same(world: World) -> None:
    failed_one = world.fail(OLD)
    replaced = world.publish(OLD)
    visible = {world.publish(OLD), world.publish(today())}
    seen = world.bi()

    counts = world.maintain(days=8, raw_days=10_000)

    assert world.bi() == seen
    assert world.with_facts() == visible
    assert world.with_partitions("staging") == visible
    assert world.with_partitions("intermediate") == set()
    assert world.dropped("star") == {failed_one, replaced}
    assert world.dropped("pages") == {failed_one, replaced}
    assert counts["loads"] == 4
    assert counts["skipped"] == 0


def test_a_second_run_changes_nothing(world: World) -> None:
    world.publish(OLD)
    world.publish(OLD)
    world.maintain(days=8)
    ledger = world.values("select loads::text from ops.loads")

    assert world.maintain(days=8) == NOTHING
    assert world.values("select loads::text from ops.loads") == ledger


def test_a_dry_run_drops_nothing_and_counts_what_the_real_one_drops(world: World) -> None:
    world.publish(OLD)
    world.publish(OLD)
    before = (world.with_partitions("staging"), world.with_partitions("intermediate"), world.with_facts())

    told = world.maintain(days=8, dry_run=True)

    assert (
        world.with_partitions("staging"),
        world.with_partitions("intermediate"),
        world.with_facts(),
    ) == before
    assert world.dropped("pages") | world.dropped("levels") | world.dropped("star") == set()
    assert min(told["loads"], told["partitions"], told["bytes"], told["fact_rows"]) > 0
    assert world.maintain(days=8) == told


def test_nothing_goes_before_its_days_are_over(world: World) -> None:
    world.fail(today())
    world.publish(today())
    world.publish(today())

    assert world.maintain(days=6) == NOTHING


def test_a_load_that_was_replaced_today_is_kept_however_long_it_was_visible(world: World) -> None:
    replaced = world.publish(OLD)
    world.execute(
        "update ops.loads set started_at = started_at - interval '30 days', "
        "finished_at = finished_at - interval '30 days', published_at = published_at - interval '30 days'"
    )
    world.publish(OLD)

    world.maintain(raw_days=10_000)
    assert replaced in world.with_facts()
    world.maintain(days=8, raw_days=10_000)
    assert replaced not in world.with_facts()


def test_pages_of_a_replaced_load_stay_where_the_date_is_rebuilt_from_them(world: World) -> None:
    all_licenses = world.publish(OLD)
    one_license = world.publish(OLD, license_ids=[SECOND])
    seen = world.bi()["chargeback"]

    world.maintain(days=8, raw_days=10_000)

    assert world.with_partitions("staging") == {all_licenses, one_license}
    assert world.with_facts() == {one_license}
    requests_before = world.simulator.api_request_count()
    world.publish(OLD, "raw")
    assert world.bi()["chargeback"] == seen
    assert world.simulator.api_request_count() == requests_before


def test_the_pages_a_rebuilt_load_was_built_from_live_as_long_as_the_date(world: World) -> None:
    read = world.publish(OLD)
    rebuilt = world.publish(OLD, "raw")

    world.maintain(days=8, raw_days=10_000)
    assert world.with_partitions("staging") == {read, rebuilt}

    world.maintain(days=8, keep_month_ends=False)
    assert world.dropped("pages") == {read, rebuilt}


def test_pages_of_a_failed_load_stay_where_no_other_load_of_the_date_has_them(world: World) -> None:
    failed_one = world.fail(OLD)

    world.maintain(days=8, raw_days=10_000)
    assert world.with_partitions("staging") == {failed_one}
    assert world.with_partitions("intermediate") == set()

    world.publish(OLD, "raw")
    assert len(world.bi()["license_position"]) == 2


def test_rows_carried_forward_outlive_the_load_they_came_from(world: World) -> None:
    source = world.publish(OLD)
    world.simulator.add_fault(license=SECOND, status=403, times=None)
    world.publish(today(), on_license_failure="keep_previous")
    world.simulator.clear_faults()
    world.publish(OLD)
    seen = world.bi()

    world.maintain(days=8, raw_days=10_000)

    assert source not in world.with_facts()
    assert world.bi() == seen
    assert world.values("select is_carried_forward from bi.chargeback") == {False, True}


def test_month_ends_keep_their_pages_for_ever_unless_told_otherwise(world: World) -> None:
    before = world.publish(OLD)
    last = world.publish(OLD_MONTH_END)

    world.maintain(days=4_000)
    assert world.with_partitions("staging") == {last}
    assert world.with_partitions("intermediate") == set()
    world.publish(OLD_MONTH_END, "raw")

    world.maintain(days=4_000, keep_month_ends=False)
    assert {before, last} <= world.dropped("pages")
    assert world.with_partitions("staging") == set()


def test_the_last_published_date_is_its_months_end_although_a_later_one_failed(world: World) -> None:
    last_published = world.publish(OLD)
    world.fail(OLD_MONTH_END)

    world.maintain(days=8)

    assert world.with_partitions("staging") == {last_published}


def test_a_later_date_of_another_organization_is_not_the_months_end(world: World) -> None:
    last = world.publish(OLD)
    world.execute(
        "with theirs as (insert into ops.loads (org_id, snapshot_date, source, pages_load_id, status) "
        f"values ('67890', '{OLD_MONTH_END}', 'raw', {last}, 'published') returning *) "
        "insert into ops.snapshots select org_id, snapshot_date, load_id from theirs"
    )

    world.maintain(days=4_000)

    assert world.with_partitions("staging") == {last}


def test_a_load_that_goes_on_is_never_touched_nor_what_it_reads(world: World) -> None:
    read = world.publish(OLD)
    running = world.open(OLD, "raw")
    world.extract(running)

    world.maintain(days=4_000, keep_month_ends=False)

    assert world.with_partitions("staging") == {read, running}
    assert world.with_partitions("intermediate") == {running}
    world.finish(running)
    assert world.with_facts() >= {running}


def test_a_load_that_failed_of_late_may_still_be_cleared_and_go_on(world: World) -> None:
    world.publish(OLD_MONTH_END)
    world.publish(OLD)
    failed_one = world.fail(OLD, "raw")

    world.maintain()

    world.finish(failed_one)
    assert failed_one in world.with_facts()


@pytest.mark.parametrize("source", ["raw", "auto"])
def test_a_date_whose_pages_are_gone_says_when_and_by_whom_they_were_dropped(
    world: World, source: str
) -> None:
    world.publish(OLD_MONTH_END)
    world.publish(OLD)
    world.maintain()

    with pytest.raises(
        SourceUnavailable, match=rf"dropped on {today()}, {(today() - OLD).days} days after it, by"
    ):
        world.open(OLD, source)

    assert world.values("select count(*) from ops.loads where status = 'running'") == {0}


def test_a_task_that_is_cleared_after_its_pages_were_dropped_says_so(world: World) -> None:
    world.publish(OLD_MONTH_END)
    load_id = world.publish(OLD)
    world.maintain()
    seen = world.bi()

    with pytest.raises(SourceUnavailable, match=r"was dropped on [0-9-]+ by the DAG warehouse_maintenance"):
        world.check_staging(load_id)

    assert world.bi() == seen
    assert world.values("select max(load_id) from ops.loads") == {load_id}


def test_a_task_of_a_failed_load_that_was_dropped_says_so(world: World) -> None:
    load_id = world.fail(OLD)
    world.maintain(days=8, raw_days=10_000)

    with pytest.raises(SourceUnavailable, match="a new run with snapshot_date 2026-05-30 builds it anew"):
        world.check_staging(load_id)


def test_a_visible_load_whose_levels_were_dropped_is_rebuilt_when_it_is_cleared(world: World) -> None:
    load_id = world.publish(OLD)
    seen = world.bi()["chargeback"]
    world.maintain(days=8, raw_days=10_000)

    world.finish(load_id)

    assert world.bi()["chargeback"] == seen
    assert world.values("select load_id from ops.snapshots") != {load_id}


def test_what_a_reader_uses_is_skipped_with_a_warning_and_dropped_by_the_next_run(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.publish(OLD)
    pauses: list[float] = []
    with world.database.transaction() as reader:
        execute(reader, "select count(*) from intermediate.int_licenses")
        counts = world.maintain(days=8, sleep=pauses.append, raw_days=10_000)
        assert counts == {**NOTHING, "skipped": 1}
        assert world.dropped("levels") == set()

    assert len(pauses) > 1
    assert "its tables are in use" in caplog.text
    assert world.maintain(days=8, raw_days=10_000)["loads"] == 1


def test_a_reader_that_ends_in_time_is_waited_for_and_never_kept_waiting(world: World) -> None:
    world.publish(OLD)
    reader = world.database.raw_connection()
    reader.autocommit = False
    reader.cursor().execute("select count(*) from intermediate.int_licenses")

    def while_waiting(_: float) -> None:
        with world.database.transaction() as other:
            execute(other, "set local lock_timeout = '1ms'")
            execute(other, "select count(*) from intermediate.int_hosts")
        reader.rollback()

    counts = world.maintain(days=8, sleep=while_waiting, raw_days=10_000)
    reader.close()

    assert (counts["loads"], counts["skipped"]) == (1, 0)


def test_readers_of_bi_hinder_nothing(world: World) -> None:
    world.publish(OLD)
    world.publish(OLD)
    with world.database.transaction() as reader:
        before = execute(reader, "select count(*) from bi.chargeback").scalar_one()
        counts = world.maintain(days=8)
        assert execute(reader, "select count(*) from bi.chargeback").scalar_one() == before

    assert (counts["loads"], counts["skipped"]) == (2, 0)


def test_an_interruption_leaves_whole_loads_and_the_next_run_goes_on(world: World) -> None:
    first, second, _ = (world.publish(OLD) for _ in range(3))
    world.execute(
        "create function public.interrupt() returns trigger language plpgsql as $$ begin "
        "raise exception 'the power is gone'; end $$"
    )
    world.execute(
        "create trigger interrupt before update of star_dropped_at on ops.loads for each row "
        f"when (new.load_id = {second}) execute function public.interrupt()"
    )
    with pytest.raises(Exception, match="the power is gone"):
        world.maintain(days=8, raw_days=10_000)

    assert first not in world.with_partitions("intermediate") | world.with_facts()
    assert second in world.with_partitions("intermediate") & world.with_partitions("staging")
    assert second in world.with_facts()
    assert world.dropped("levels") == {first}

    world.execute("drop trigger interrupt on ops.loads")
    assert world.maintain(days=8, raw_days=10_000)["loads"] == 2


def test_a_run_that_opens_while_the_maintenance_judges_keeps_its_pages(world: World) -> None:
    world.publish(OLD_MONTH_END)
    read = world.publish(OLD)
    found: list[Any] = []
    maintenance = threading.Thread(target=lambda: found.append(world.maintain()))

    with world.database.transaction() as opening:
        loads.lock_snapshot(opening, "12345", OLD)
        maintenance.start()
        _until_somebody_waits(world)
        execute(
            opening,
            "insert into ops.loads (org_id, snapshot_date, source, pages_load_id, status) "
            f"values ('12345', '{OLD}', 'raw', {read}, 'running')",
        )
    maintenance.join()

    assert found == [NOTHING]
    assert read in world.with_partitions("staging")


def _until_somebody_waits(world: World) -> None:
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    while world.values(waiting) == {0}:
        threading.Event().wait(0.01)
