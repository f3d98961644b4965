"""The maintenance drops what is old by partition, and never what BI sees or a date can still be rebuilt from."""

from __future__ import annotations

from typing import Any

import pytest

ONE = {"license_ids": ["41202"]}
MONTH_END = "2026-05-31"
BEFORE_MONTH_END = "2026-05-30"


@pytest.fixture(scope="module")
def nights(nightly: Any) -> Any:
    """Two old dates, the second its month's last; and today, built twice and once in vain."""
    for day in (BEFORE_MONTH_END, MONTH_END):
        assert nightly.run(**ONE, snapshot_date=day, source="api").state == "success"
    assert nightly.run(**ONE).state == "success"
    assert nightly.run(**ONE).state == "success"
    nightly.simulator.add_fault(license="41202", status=403, times=None)
    assert nightly.run(**ONE).state == "failed"
    nightly.simulator.clear_faults()
    return nightly


def maintain(nights: Any, **params: Any) -> dict[str, int]:
    run = nights.run_dag("warehouse_maintenance", **params)
    assert run.state == "success"
    [task] = run.tasks
    return task.xcom_pull(task_ids="drop_expired")


def partitions(nights: Any, schema: str) -> set[int]:
    """The loads that have partitions in a schema."""
    return {
        row["load_id"]
        for row in nights.rows(
            f"select distinct substring(relname from '_load_([0-9]+)$')::bigint as load_id from pg_class "
            f"where relkind = 'r' and relnamespace = '{schema}'::regnamespace and relname ~ '_load_'"
        )
    }


def loads(nights: Any, condition: str) -> set[int]:
    return {row["load_id"] for row in nights.rows(f"select load_id from ops.loads where {condition}")}


def test_what_a_dry_run_tells_is_still_there_afterwards(nights) -> None:
    before = partitions(nights, "staging") | partitions(nights, "intermediate")

    counts = maintain(nights, dry_run=True)

    assert counts["loads"] == 1
    assert counts["bytes"] > 0
    assert partitions(nights, "staging") | partitions(nights, "intermediate") == before


def test_old_pages_go_and_those_of_month_ends_stay(nights) -> None:
    seen = nights.published()

    maintain(nights)

    assert loads(nights, "pages_dropped_at is not null") == loads(
        nights, f"snapshot_date = '{BEFORE_MONTH_END}'"
    )
    assert partitions(nights, "staging") == loads(nights, "pages_dropped_at is null")
    assert nights.published() == seen


def test_a_date_without_pages_says_that_they_were_dropped(nights, caplog) -> None:
    run = nights.run(**ONE, snapshot_date=BEFORE_MONTH_END)

    assert run.state == "failed"
    assert run.failed_tasks == {"open_load"}
    assert "days after it, by the DAG warehouse_maintenance" in caplog.text
    assert nights.value(f"select count(*) from bi.chargeback where snapshot_date = '{BEFORE_MONTH_END}'") > 0


def test_loads_that_were_replaced_or_failed_go_after_their_days(nights) -> None:
    nights.execute(
        "update ops.loads set finished_at = finished_at - interval '8 days', "
        "published_at = published_at - interval '8 days'"
    )
    seen = nights.published()

    counts = maintain(nights)

    visible = loads(nights, "status = 'published'")
    assert counts["fact_rows"] > 0
    assert partitions(nights, "intermediate") == set()
    assert partitions(nights, "staging") <= visible
    assert nights.value("select count(distinct load_id) from mart.fct_chargeback") == len(visible)
    assert nights.published() == seen
    assert maintain(nights)["loads"] == 0, "a second run finds nothing"


def test_a_date_whose_pages_are_kept_is_rebuilt_as_it_was(nights) -> None:
    seen = nights.published()
    before = nights.simulator.api_request_count()

    assert nights.run(**ONE, snapshot_date=MONTH_END).state == "success"
    assert nights.run(**ONE, source="raw").state == "success"

    assert nights.published() == seen
    assert nights.simulator.api_request_count() == before


def test_a_misspelled_param_is_refused(nights) -> None:
    assert nights.run_dag("warehouse_maintenance", superseeded_days=3).failed_tasks == {"drop_expired"}
