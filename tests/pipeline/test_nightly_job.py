"""The nightly DAG from the API to the bi schema, for real: simulator over HTTP, PostgreSQL, Airflow."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

TREES = ("chargeback_by_cost_center", "chargeback_by_corporate_unit", "chargeback_by_location")


@pytest.fixture(scope="module")
def first_night(nightly):
    """One night of the demo tenant, shared by the tests that only look at it."""
    return nightly.run()


def test_a_night_is_published_with_what_the_api_recharged_to_the_cent(nightly, first_night) -> None:
    totals = nightly.simulator.totals(nightly.today)

    assert first_night.state == "success"
    assert nightly.value("select sum(recharged_cost) from bi.chargeback") == Decimal(totals["recharged_cost"])
    assert nightly.value("select sum(recharged_consumption) from bi.chargeback") == Decimal(
        totals["recharged_consumption"]
    )


@pytest.mark.parametrize("tree", TREES)
def test_the_roots_of_every_tree_add_up_to_the_snapshot(nightly, first_night, tree) -> None:
    assert nightly.value(f"select sum(total_cost) from bi.{tree} where depth = 0") == nightly.value(
        "select sum(recharged_cost) from bi.chargeback"
    )
    assert nightly.value(f"select sum(own_cost) from bi.{tree}") == nightly.value(
        "select sum(recharged_cost) from bi.chargeback"
    )


def test_the_license_positions_add_up_to_the_snapshot_and_name_every_license(nightly, first_night) -> None:
    assert nightly.value("select sum(recharged_cost) from bi.license_position") == nightly.value(
        "select sum(recharged_cost) from bi.chargeback"
    )
    assert nightly.value("select count(*) from bi.license_position") == len(
        nightly.simulator.totals(nightly.today)["licenses"]
    )
    assert (
        nightly.value(
            "select count(*) from bi.license_position where residue <> 0 and residue_reason is null"
        )
        == 0
    )


def test_bi_shows_one_snapshot_with_its_size(nightly, first_night) -> None:
    [snapshot] = nightly.rows(
        "select snapshot_date, status, source, row_count, recharged_cost, dag_run_id, page_count, request_count "
        "from bi.snapshot"
    )

    assert snapshot["snapshot_date"] == nightly.today
    assert (snapshot["status"], snapshot["source"]) == ("published", "api")
    assert snapshot["row_count"] == nightly.value("select count(*) from bi.chargeback")
    assert snapshot["recharged_cost"] == nightly.value("select sum(recharged_cost) from bi.chargeback")
    assert snapshot["dag_run_id"] == first_night.run_id
    assert snapshot["request_count"] == nightly.simulator.api_request_count()


def test_each_license_is_a_mapped_task_with_its_name(nightly, first_night) -> None:
    labels = {task.rendered_map_index for task in first_night.tasks if task.task_id == "extract_consumption"}

    assert labels == {
        row["license_name"] for row in nightly.rows("select license_name from bi.license_position")
    }


def test_the_pipeline_only_reads(nightly, first_night) -> None:
    assert nightly.simulator.refused_writes() == []


def test_the_same_night_again_gives_the_same_rows_once(nightly, first_night) -> None:
    before = nightly.published()

    assert nightly.run().state == "success"
    assert nightly.published() == before
    assert nightly.value("select count(*) from bi.snapshot") == 1
    assert nightly.value("select count(*) from ops.loads where status = 'superseded'") == 1


def test_a_night_rebuilt_from_raw_pages_asks_nothing_and_gives_the_same_rows(nightly, first_night) -> None:
    before = nightly.published()
    requests = nightly.simulator.api_request_count()

    assert nightly.run(source="raw").state == "success"
    assert nightly.published() == before
    assert nightly.simulator.api_request_count() == requests
    assert nightly.value("select source from bi.snapshot") == "raw"


def test_a_filtered_run_of_the_date_leaves_the_other_licenses_as_they_were(nightly, first_night) -> None:
    before = nightly.published()

    assert nightly.run(publishers=["oracle"]).state == "success"
    assert nightly.published() == before


def test_a_filter_that_keeps_nothing_fails_and_names_the_filter(nightly, first_night) -> None:
    before = nightly.published()

    run = nightly.run(publishers=["Nobody*"])

    assert run.state == "failed"
    assert "publishers=Nobody*" in nightly.last_failure()
    assert nightly.published() == before


def test_a_past_date_without_raw_pages_fails_and_says_that_the_api_only_knows_the_present(
    nightly, first_night
) -> None:
    run = nightly.run(snapshot_date=str(nightly.today - timedelta(days=400)))

    assert run.state == "failed"
    assert run.failed_tasks == {"open_load"}
    assert nightly.value("select count(*) from bi.snapshot") == 1


def test_a_param_nobody_knows_fails_before_anything_happens(nightly, first_night) -> None:
    run = nightly.run(publisher=["Oracle"])

    assert run.state == "failed"
    assert run.failed_tasks == {"open_load"}


def test_more_licenses_than_airflow_may_map_are_grouped(nightly, first_night, monkeypatch) -> None:
    before = nightly.published()
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "7")

    run = nightly.run()

    assert run.state == "success"
    assert len([task for task in run.tasks if task.task_id == "extract_consumption"]) == 7
    assert nightly.published() == before


CLUSTER_LICENSE = "41201"  # an Oracle Processor license of the demo tenant


@pytest.fixture
def refused_license(nightly):
    """A license that the service account may not read for once."""
    nightly.simulator.add_fault(license=CLUSTER_LICENSE, status=403)
    yield CLUSTER_LICENSE
    nightly.simulator.clear_faults()


def test_a_license_that_fails_stops_the_night_and_the_last_good_one_stays(
    nightly, first_night, refused_license
) -> None:
    before = nightly.published()

    run = nightly.run(publishers=["Oracle"])

    assert run.state == "failed"
    assert run.failed_tasks == {"extract_consumption"}
    assert refused_license in nightly.last_failure()
    assert nightly.published() == before


def test_a_license_that_fails_is_carried_forward_where_the_run_says_so(
    nightly, first_night, refused_license
) -> None:
    columns = "license_id, device_id, user_id, recharged_consumption, recharged_cost, cost_center"
    rows = f"select {columns} from bi.chargeback order by {columns}"
    before = nightly.rows(rows)

    run = nightly.run(publishers=["Oracle"], on_license_failure="keep_previous")

    assert run.state == "success"
    assert [task.state for task in run.tasks].count("skipped") == 1
    assert nightly.rows(rows) == before
    carried = nightly.rows("select distinct license_id from bi.chargeback where is_carried_forward")
    assert carried == [{"license_id": refused_license}]
    assert (
        nightly.value(f"select status from bi.license_position where license_id = '{refused_license}'")
        == "carried_forward"
    )


def test_a_license_deleted_during_the_run_is_a_recorded_fact(nightly, first_night) -> None:
    nightly.simulator.add_fault(license=CLUSTER_LICENSE, not_found=True, delists=True)
    try:
        run = nightly.run(publishers=["Oracle"])
    finally:
        nightly.simulator.clear_faults()

    assert run.state == "success"
    position = "select status from bi.license_position where license_id = '41201'"
    assert nightly.value(position) == "deleted"
    pages = "select page_count from bi.snapshot where snapshot_date = (select max(snapshot_date) from bi.snapshot)"
    of_positions = pages.replace("page_count", "sum(page_count)", 1).replace(
        "from bi.snapshot", "from bi.license_position", 1
    )
    assert nightly.value(pages) == nightly.value(of_positions)
    assert nightly.run(publishers=["Oracle"]).state == "success"
    assert nightly.value(position) == "loaded"


def test_a_row_that_cannot_be_read_is_quarantined_with_its_reason_and_the_rest_is_published(
    nightly, first_night
) -> None:
    pages = "staging.consumption_pages where license_id = '41201' and load_id = "
    newest = "(select max(load_id) from ops.loads where source = 'api' and status = 'published')"
    before = nightly.value("select count(*) from bi.chargeback")
    nightly.execute(
        f"update {pages.replace(' where', ' set body = regexp_replace(body, %s) where', 1)}{newest}"
        % """'"costPerRight": ?([0-9.]+), ?"consumption": ?[0-9.]+', '"costPerRight": \\1, "consumption": "several"'"""
    )

    assert nightly.run(source="raw", license_ids=["41201"]).state == "success"
    [row] = nightly.rows("select license_id, column_name, reason, payload from ops.quarantined_rows")
    assert (row["license_id"], row["column_name"]) == ("41201", "recharged_consumption")
    received = nightly.rows("select body from staging.consumption_pages where license_id = '41201'")
    assert json.loads(row["payload"])["chargeback"]["consumption"] == "several"
    assert any(json.loads(row["payload"]) in json.loads(page["body"])["values"] for page in received)
    assert nightly.value("select count(*) from bi.chargeback") == before - 1
    assert (
        nightly.value("select residue_reason from bi.license_position where license_id = '41201'")
        == "rows_quarantined"
    )
