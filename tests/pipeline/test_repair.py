"""Tasks of a published run that are cleared and run again, as an operator does in the UI."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from chargeback import hooks
from chargeback.errors import LoadSuperseded, LoadUnchecked, SourceUnavailable
from chargeback.steps import build, checks, extract, flatten, loads, publish
from chargeback.steps.load_request import LoadRequest

if TYPE_CHECKING:
    from datetime import date

REPAIRED = "41201"
# What a run was asked for, each param as something else than its default.
ASKED = {
    "publishers": ["Oracle"],
    "allow_partial": True,
    "on_license_failure": "keep_previous",
    "allowed_shrink_percent": 21,
    "allowed_gap_percent": 11,
}


class Tasks:
    """The tasks of one run of the DAG, to be run in any order an operator can think of."""

    def __init__(self, today: date, **params: object) -> None:
        self.database = hooks.database()
        self.field_map = hooks.field_map()
        request = LoadRequest.from_params(
            {**ASKED, **params}, org_id="12345", today=today, default_date=today, dag_run_id="the_run"
        )
        self.load_id = loads.open_load(self.database, request)

    def list_licenses(self) -> list[str]:
        client = hooks.flexera(self.database)
        batches = extract.list_licenses(client, self.database, self.field_map, self.load_id, 1000)
        return [license_id for batch in batches for license_id in batch["license_ids"]]

    def extract(self, license_ids: list[str]) -> None:
        client = hooks.flexera(self.database)
        extract.consumption(client, self.database, self.field_map, self.load_id, license_ids)

    def check_staging(self) -> None:
        checks.check_staging(self.database, loads.for_writing(self.database, self.load_id))

    def build(self) -> None:
        flatten.flatten(self.database, self.field_map, loads.for_writing(self.database, self.load_id))
        for layer in ("intermediate", "mart"):
            build.build(self.database, loads.for_writing(self.database, self.load_id), layer)
        checks.check(self.database, loads.for_writing(self.database, self.load_id), "mart")

    def publish(self) -> None:
        publish.publish(self.database, self.load_id)


@pytest.fixture
def published(nightly) -> Tasks:
    """A run that went through."""
    nightly.simulator.set_date(str(nightly.today))
    tasks = Tasks(nightly.today)
    tasks.extract(tasks.list_licenses())
    tasks.check_staging()
    tasks.build()
    tasks.publish()
    return tasks


def test_one_license_of_a_published_run_is_read_again_and_the_rest_stays(nightly, published) -> None:
    before = nightly.published()
    requests = nightly.simulator.api_request_count()
    nightly.simulator.set(seed=2)  # the tenant answers otherwise now
    try:
        published.extract([REPAIRED])
        published.check_staging()
        published.build()
        assert nightly.published() == before, "seen before it was published"
        published.publish()
    finally:
        nightly.simulator.set(seed=1)

    assert nightly.simulator.api_request_count() == requests + 1
    after = nightly.published()
    assert after != before
    repaired = f",{REPAIRED},"
    assert [row for row in after["chargeback"] if repaired not in row] == [
        row for row in before["chargeback"] if repaired not in row
    ]
    assert nightly.value("select count(*) from bi.snapshot") == 1


def test_the_log_of_a_license_says_its_name_and_what_came(nightly, published, caplog) -> None:
    caplog.set_level(logging.INFO, logger="chargeback")
    [read] = nightly.rows(
        f"select license_name, row_count, page_count from bi.license_position where license_id = '{REPAIRED}'"
    )
    named = (
        f"License {REPAIRED} ({read['license_name']}): rows {read['row_count']}, pages {read['page_count']}"
    )

    published.extract([REPAIRED])
    rebuilt = Tasks(nightly.today, source="raw")
    rebuilt.extract(rebuilt.list_licenses())

    assert f"{named}, requests 1, seconds " in caplog.text
    assert f"{named}, kept of {nightly.today}; nothing was asked" in caplog.text
    assert f"of organization 12345, from the pages that load {published.load_id} has kept" in caplog.text


def test_a_published_run_is_rebuilt_from_its_pages_when_a_later_task_is_cleared(nightly, published) -> None:
    before = nightly.published()
    visible = nightly.value("select load_id from ops.snapshots")

    published.check_staging()
    published.build()
    published.publish()

    assert nightly.published() == before
    assert nightly.value("select load_id from ops.snapshots") > visible
    first, rebuilt = nightly.rows(
        "select org_id, snapshot_date, pages_load_id, filters, on_license_failure, allowed_shrink_percent, "
        f"allowed_gap_percent, dag_run_id from ops.loads where load_id >= {published.load_id} order by load_id"
    )
    assert rebuilt == first


def test_publishing_alone_never_shows_a_load_that_was_not_built(nightly, published) -> None:
    before = nightly.published()
    published.check_staging()  # opens the load that would be built next

    with pytest.raises(LoadUnchecked, match="Clear the run from check_staging on"):
        published.publish()

    assert nightly.published() == before


def test_a_star_that_was_written_again_after_its_checks_is_not_published(nightly, published) -> None:
    before = nightly.published()
    published.check_staging()
    published.build()
    loads.for_writing(published.database, published.load_id)  # what a step does that then dies

    with pytest.raises(LoadUnchecked, match="has not passed its checks"):
        published.publish()

    assert nightly.published() == before


def test_a_publish_that_died_after_its_work_may_run_again_and_says_where_the_charges_are(
    nightly, published, caplog
) -> None:
    caplog.set_level(logging.INFO, logger="chargeback.steps.publish")
    before = (nightly.published(), nightly.rows("select * from ops.loads order by load_id"))
    caplog.clear()

    published.publish()

    where, what = [record.getMessage() for record in caplog.records]
    assert where.startswith(f"The charges are in bi.chargeback where snapshot_date = '{nightly.today}'")
    assert str(nightly.today) in what
    assert (nightly.published(), nightly.rows("select * from ops.loads order by load_id")) == before


def test_a_load_that_another_run_took_the_place_of_is_not_published(nightly, published) -> None:
    before = nightly.published()
    published.check_staging()
    published.build()
    newer = Tasks(nightly.today)

    with pytest.raises(LoadSuperseded, match=f"load {newer.load_id} took its place"):
        published.publish()

    assert nightly.published() == before


def test_a_license_of_a_load_of_another_day_is_not_read_from_the_api_of_today(nightly, published) -> None:
    nightly.execute("update ops.loads set started_at = started_at - interval '25 hours'")
    requests = nightly.simulator.api_request_count()

    with pytest.raises(SourceUnavailable, match="the API only knows the present"):
        published.extract([REPAIRED])

    assert nightly.simulator.api_request_count() == requests


def test_a_task_of_an_older_run_is_told_which_load_took_its_place(nightly, published) -> None:
    newer = Tasks(nightly.today)
    newer.extract(newer.list_licenses())
    newer.check_staging()
    newer.build()
    newer.publish()

    with pytest.raises(LoadSuperseded, match=f"load {newer.load_id} took its place"):
        published.extract([REPAIRED])
    with pytest.raises(LoadSuperseded, match="is published, so its license list is final"):
        newer.list_licenses()
