"""The shipped dashboard in a real Apache Superset, as `make superset` starts it, drawn in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from warehouse_home import ROOT

from local_runtime import superset as runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse_home import Home

pytestmark = pytest.mark.timeout(1200)  # Superset is installed the first time, and two nights are run
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
BUNDLE = ROOT / "include" / "superset_dashboard" / "license_chargeback"
MONEY = "'FM999,999,999,990.00 €'"
COST = f"""
    select to_char(coalesce(sum(recharged_cost), 0), {MONEY})
    from bi.chargeback
    where snapshot_date = :night
"""
NOBODY = f"{COST} and (consumer_type = 'unallocated' or cost_center = 'Unassigned')"
RECONCILED = """
    select to_char(100 * sum(recharged_cost) filter (where is_reconciled) / sum(recharged_cost), 'FM990.0') || '%'
    from bi.chargeback
    where snapshot_date = :night
"""
DEAREST = """
    select {column}
    from bi.chargeback
    where snapshot_date = :night and device_name is not null
    group by device_name
    order by sum(recharged_cost) desc nulls last
    limit 1
"""
SENTENCE = """
    select explanation
    from bi.explanation
    where snapshot_date = :night and device_name = :device and recharged_cost <> 0
    order by recharged_cost
    limit 1
"""
RESIDUES = "select count(*)::text from bi.license_position where snapshot_date = :night and residue <> 0"


@dataclass
class Dashboard:
    """The page with the dashboard, and what went wrong on the way to it."""

    page: Any
    refused: list[str] = field(default_factory=list)

    def card(self, name: str) -> Any:
        return self.page.locator("[data-test=dashboard-component-chart-holder]").filter(
            has=self.page.get_by_text(name, exact=True)
        )

    def shows(self, figures: list[str]) -> None:
        """Wait until the four figures on top are these; a figure that never comes fails."""
        from playwright.sync_api import expect

        expect(self.page.locator(".header-line")).to_have_text(figures, timeout=90_000)

    def choose(self, filter_name: str, value: str) -> None:
        """Choose a value of a filter at the side and apply it."""
        box = self.page.locator("[data-test=form-item-value]").nth(FILTERS.index(filter_name))
        box.locator(".ant-select-selector").click()
        self.page.keyboard.type(value)
        self.page.locator(f".ant-select-item-option[title='{value}']").last.wait_for()
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Escape")
        self.page.get_by_role("button", name="Apply filters").click()


FILTERS = ("Snapshot date", "Organization", "Division", "Cost center", "Publisher")


def expected(home: Home, night: Any, condition: str = "") -> list[str]:
    """The same four figures by SQL; a condition narrows what has a cost."""
    of_cost = [home.value(statement + condition, night=night) for statement in (COST, RECONCILED, NOBODY)]
    of_license = condition if "publisher" in condition else ""
    return [*of_cost, home.value(RESIDUES + of_license, night=night)]


@pytest.fixture(scope="module")
def address(home: Home) -> Iterator[tuple[str, str]]:
    """Superset's address and password, printed by the command; its packages are installed once for all runs."""
    runtime.install()
    ours = home.folder / ".local" / "superset"
    ours.mkdir()
    for path in (runtime.VENV, runtime.STAMP):
        (ours / path.name).symlink_to(path)
    served = subprocess.Popen(
        home.command("superset"),
        cwd=home.folder,
        env=home.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert served.stdout is not None
    said = ""
    for line in served.stdout:
        said += line
        if found := re.search(r"Superset: (\S+) .* password: (\S+)", line):
            yield found[1], found[2]
            break
    else:
        log = home.folder / ".local" / "logs" / "superset.log"
        pytest.fail(said + (log.read_text()[-3000:] if log.exists() else ""))
    served.send_signal(signal.SIGINT)
    assert served.wait(60) == 0


@pytest.fixture(scope="module")
def dashboard(address: tuple[str, str]) -> Iterator[Dashboard]:
    """The dashboard as an administrator of Superset sees it."""
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI must have Chromium: apt-get install chromium"
        pytest.skip("no Chromium; Debian, Ubuntu: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    url, password = address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1600, "height": 2700})
        page.set_default_timeout(90_000)
        opened = Dashboard(page)
        page.on(
            "response",
            lambda answer: (
                opened.refused.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
            ),
        )
        page.goto(url)
        page.locator("#username").fill("admin")
        page.locator("#password").fill(password)
        page.keyboard.press("Enter")
        page.locator("[data-test=grid-content]").wait_for()
        page.locator(".header-line").nth(3).wait_for()
        yield opened
        browser.close()


def test_the_newest_night_is_drawn_to_the_cent(dashboard: Dashboard, home: Home) -> None:
    dashboard.shows(expected(home, home.nights[-1]))
    total = home.value(COST, night=home.nights[-1])
    dashboard.card("Cost center tree").get_by_text(total, exact=True).wait_for()
    if folder := os.environ.get("SCREENSHOTS"):
        dashboard.page.wait_for_timeout(3000)
        dashboard.page.screenshot(
            path=Path(folder) / "superset.png", clip={"x": 0, "y": 0, "width": 1600, "height": 1230}
        )


def test_every_chart_of_the_files_is_drawn_and_none_fails(dashboard: Dashboard) -> None:
    names = {yaml.safe_load(path.read_text())["slice_name"] for path in (BUNDLE / "charts").glob("*.yaml")}

    assert len(names) == 13
    for name in names:
        dashboard.card(name).locator("canvas, table, .header-line").first.wait_for()
    assert dashboard.page.locator("[data-test=alert-title], .ant-alert-error").count() == 0
    assert dashboard.refused == []


def test_the_license_position_names_the_residues_reason(dashboard: Dashboard, home: Home) -> None:
    reason = home.value(
        "select residue_reason from bi.license_position where snapshot_date = :night and residue <> 0 "
        "order by recharged_cost desc limit 1",
        night=home.nights[-1],
    )
    dashboard.card("License position").get_by_text(reason).first.wait_for()


def test_a_publisher_narrows_every_figure(dashboard: Dashboard, home: Home) -> None:
    dashboard.choose("Publisher", "IBM")

    dashboard.shows(expected(home, home.nights[-1], " and publisher = 'IBM'"))


def test_another_night_is_shown_alone(dashboard: Dashboard, address: tuple[str, str], home: Home) -> None:
    dashboard.page.goto(address[0])  # with no filter of the tests before
    dashboard.page.locator(".header-line").nth(3).wait_for()
    dashboard.choose("Snapshot date", str(home.nights[0]))

    assert expected(home, home.nights[0]) != expected(home, home.nights[-1])
    dashboard.shows(expected(home, home.nights[0]))


def test_a_consumer_that_is_clicked_is_told_why_it_was_charged(
    dashboard: Dashboard, address: tuple[str, str], home: Home
) -> None:
    night = home.nights[-1]
    device = home.value(DEAREST.format(column="device_name"), night=night)
    total = home.value(DEAREST.format(column=f"to_char(sum(recharged_cost), {MONEY})"), night=night)
    dashboard.page.goto(address[0])
    dashboard.card("Top consumers").get_by_text(device, exact=True).click()

    dashboard.page.locator(".header-line").get_by_text(total, exact=True).wait_for()
    least = home.value(SENTENCE, night=night, device=device)  # beyond the dearest, which are shown unasked
    dashboard.card("Why it was charged").get_by_text(least, exact=True).wait_for()


def test_the_organizations_are_a_filter(dashboard: Dashboard, address: tuple[str, str], home: Home) -> None:
    dashboard.page.goto(address[0])
    dashboard.page.locator(".header-line").nth(3).wait_for()
    dashboard.choose("Organization", "12345")

    dashboard.shows(expected(home, home.nights[-1], " and org_id = '12345'"))
    dashboard.page.locator("[data-test=form-item-value]").nth(1).get_by_title("12345").first.wait_for()


def test_superset_reads_with_a_login_that_sees_bi_only(address: tuple[str, str], home: Home) -> None:
    roles = home.value(
        "select string_agg(pg_get_userbyid(roleid), ',') from pg_auth_members "
        "where pg_get_userbyid(member) = :reader",
        reader=runtime.READER,
    )
    reads = home.value(
        "select bool_or(has_table_privilege(:reader, format('%I.%I', schemaname, tablename), 'select')) "
        "from pg_tables where schemaname in ('ops', 'staging', 'intermediate', 'mart')",
        reader=runtime.READER,
    )

    assert (roles, reads) == ("chargeback_analyst", False)
