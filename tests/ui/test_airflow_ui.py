"""What an operator does in the Airflow UI, in a real browser, on the system that `make up` starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from running_system import DAG, wait_until

pytestmark = pytest.mark.timeout(900)  # the system starts, and runs five nights

HELP_TEXTS = (
    "The night to build.",
    "auto: the API for today, the raw pages kept for a past date.",
    "One per line, upper or lower case, * and ? allowed: Oracle, IBM*.",
    "Only these licenses, one exact id per line.",
    "Never these licenses, one exact id per line.",
    "keep_previous: that license's rows are carried forward",
)


def open_trigger_dialog(page, system):
    page.goto(f"{system.url}/dags/license_chargeback")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.locator("[role=dialog][data-state=open]").last
    dialog.get_by_text("Run Parameters").wait_for()
    return dialog


def test_the_trigger_form_explains_every_param(page, system, picture) -> None:
    dialog = open_trigger_dialog(page, system)

    for text in HELP_TEXTS:
        assert dialog.get_by_text(text).count() == 1, text
    assert dialog.locator("input[name=element_snapshot_date]").count() == 1
    picture("trigger-form")
    page.keyboard.press("Escape")


def test_a_run_shows_a_mapped_task_for_every_license_with_its_name(page, system, picture) -> None:
    assert system.trigger(publishers=["Oracle"]) == "success"
    [run] = [run for run in system.runs("manual") if run["state"] == "success"][-1:]

    page.goto(
        f"{system.url}/dags/license_chargeback/runs/{run['dag_run_id']}/tasks/extract_consumption/mapped"
    )
    page.get_by_text("Oracle WebLogic Suite").first.wait_for()

    assert page.get_by_text("Oracle Real Application Clusters").count() >= 1
    picture("mapped-tasks")


def test_the_connection_has_a_form_of_its_own(page, system, picture) -> None:
    page.goto(f"{system.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    dialog = page.locator("[role=dialog][data-state=open]").last
    dialog.locator("input[role=combobox]").first.fill("Flexera")
    page.keyboard.press("Enter")
    dialog.get_by_text("Standard Fields").first.wait_for()
    dialog.get_by_text("Extra Fields").first.click()
    dialog.get_by_text("Organization").first.wait_for()

    for label in ("Zone", "Requests"):
        assert dialog.get_by_text(label).count() >= 1, label
    picture("connection-form")
    page.keyboard.press("Escape")


def test_a_backfill_rebuilds_the_dates_with_raw_pages_and_says_why_another_cannot_be(
    page, system, picture
) -> None:
    today = datetime.now(UTC).date()
    no_pages, first_night, second_night = (today - timedelta(days=days) for days in (3, 2, 1))
    for night in (first_night, second_night):
        system.set_simulator_date(str(night))
        assert system.trigger(snapshot_date=str(night), source="api", publishers=["Oracle"]) == "success"

    dialog = open_trigger_dialog(page, system)
    dialog.get_by_text("Backfill", exact=True).click()
    for label, day in (("From", no_pages), ("To", today)):
        field = dialog.get_by_role("group").filter(has_text=label).first
        field.get_by_test_id("datetime-input").click()
        page.get_by_placeholder("YYYY/MM/DD").last.fill(f"{day:%Y/%m/%d}")
        page.get_by_placeholder("HH:mm").last.fill("00:00")
        page.keyboard.press("Enter")
        page.get_by_text("Date Range").click()
    dialog.get_by_text("All Runs", exact=True).click()
    picture("backfill-form")
    dialog.get_by_role("button", name="Run Backfill").click()
    runs = wait_until(
        lambda: system.runs("backfill"),
        lambda seen: "success" if len(seen) == 3 and all(run["end_date"] for run in seen) else "running",
    )

    assert {run["logical_date"][:10]: run["state"] for run in runs} == {
        str(no_pages): "failed",
        str(first_night): "success",
        str(second_night): "success",
    }
    [failed] = [run for run in runs if run["state"] == "failed"]
    log = system.call(
        "GET", f"{DAG}/dagRuns/{failed['dag_run_id'].replace('+', '%2B')}/taskInstances/open_load/logs/1"
    )
    assert "no raw pages are kept for that date, and the API only knows the present" in str(log)
    page.goto(f"{system.url}/dags/license_chargeback")
    page.get_by_text("open_load").first.wait_for()
    picture("grid")
    page.goto(f"{system.url}/dags/license_chargeback/backfills")
    page.get_by_text("completed").first.or_(page.get_by_text("Completed").first).wait_for()
    picture("backfill")
