"""What the doctor says of the ledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from chargeback.doctor import nights
from chargeback.methods import Catalog
from chargeback.settings import FlexeraSettings
from chargeback.warehouse import seeds
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from chargeback.doctor.findings import Finding

TENANT = FlexeraSettings(org_id="12345", client_id="a", secret="b")
EMEA = FlexeraSettings(org_id="67890", client_id="a", secret="b", zone="eu", conn_id="flexera_emea")


def open_load(
    session: Connection,
    status: str,
    hours_ago: int = 1,
    days_ago: int = 0,
    failure: str | None = None,
    org_id: str = TENANT.org_id,
) -> int:
    """A load of the tenant, opened so many hours ago, of a date so many days ago."""
    load_id: int = execute(
        session,
        """
        insert into ops.loads (org_id, snapshot_date, source, pages_load_id, status, failure, started_at)
        values (
            %(org_id)s, current_date - %(days_ago)s, 'api', (select coalesce(max(load_id), 0) + 1 from ops.loads),
            %(status)s, %(failure)s, clock_timestamp() - %(hours_ago)s * interval '1 hour'
        )
        returning load_id
        """,
        org_id=org_id,
        status=status,
        hours_ago=hours_ago,
        days_ago=days_ago,
        failure=failure,
    ).scalar_one()
    return load_id


def test_a_new_warehouse_has_published_nothing_and_nothing_else_to_tell(session: Connection) -> None:
    findings = nights.examine(session, [TENANT])

    assert {each.check for each in findings if each.level != "ok"} == {"published"}
    assert "make run" in str(one(findings, "published"))


def test_a_warehouse_of_last_night_has_nothing_to_tell(session: Connection) -> None:
    publish(session, open_load(session, "published"))
    open_load(session, "running")

    findings = nights.examine(session, [TENANT])

    assert [str(each) for each in findings if each.level != "ok"] == []
    assert one(findings, "unfinished loads").found == "1 running"


@pytest.mark.parametrize(("days_ago", "level"), [(0, "ok"), (3, "problem")])
def test_what_is_told_of_a_snapshot_is_how_long_ago_its_day_began(
    session: Connection, days_ago: int, level: str
) -> None:
    publish(session, open_load(session, "published", days_ago=days_ago))

    found = one(nights.examine(session, [TENANT]), "published")
    day, minutes = execute(
        session,
        "select current_date - %(days_ago)s, extract(epoch from now() - (current_date - %(days_ago)s)) / 60",
        days_ago=days_ago,
    ).one()

    assert found.level == level
    assert found.found.startswith(
        f"flexera: organization 12345: the newest snapshot is of {day}, a day that began "
    )
    [(told_hours, told_minutes)] = re.findall(
        r"began ([0-9]+) h ([0-5]?[0-9]) min ago \(at 00:00 UTC\)", found.found
    )
    assert abs(int(told_hours) * 60 + int(told_minutes) - float(minutes)) <= 2
    assert found.found.endswith("; 36 hours are allowed") == (level == "problem")


def test_the_snapshots_of_each_organization_are_told_by_its_connection(session: Connection) -> None:
    publish(session, open_load(session, "published"))
    publish(session, open_load(session, "published", days_ago=3, org_id=EMEA.org_id))
    publish(session, open_load(session, "published", days_ago=300, org_id="left the list"))

    found = [each for each in nights.examine(session, [TENANT, EMEA]) if each.check == "published"]

    assert [(each.level, each.found.partition(":")[0]) for each in found] == [
        ("ok", "flexera"),
        ("problem", "flexera_emea"),
    ]


def test_a_load_that_nobody_finishes_is_told(session: Connection) -> None:
    load_id = open_load(session, "running", hours_ago=30)

    found = one(nights.examine(session, [TENANT]), "unfinished loads")

    assert found.level == "warning"
    assert f"load {load_id} of" in found.found


def test_a_failed_load_is_told_with_its_reason_until_a_later_one_ends_well(session: Connection) -> None:
    open_load(session, "failed", failure="extract_consumption: license 41201 page 1: 403")

    found = one(nights.examine(session, [TENANT]), "last load")
    assert found.level == "warning"
    assert "license 41201 page 1: 403" in found.found

    publish(session, open_load(session, "published"))
    assert one(nights.examine(session, [TENANT]), "last load").level == "ok"


def test_a_budget_that_is_blocked_for_long_is_told(session: Connection) -> None:
    execute(
        session,
        """
        insert into ops.request_budgets (budget_id, request_count, throttled_count, blocked_until)
        values (%(budget_id)s, 7, 2, clock_timestamp() + interval '1 hour')
        """,
        budget_id=TENANT.budget_id,
    )

    found = one(nights.examine(session, [TENANT]), "request budget")

    assert found.level == "warning"
    assert "7 requests so far, 2 times refused" in found.found
    assert nights.budget(session, EMEA).level == "ok"


def test_rows_that_the_maintenance_should_have_dropped_are_told(session: Connection) -> None:
    open_load(session, "superseded", hours_ago=24 * 30)

    found = one(nights.examine(session, [TENANT]), "database size")

    assert found.level == "warning"
    assert "warehouse_maintenance" in found.advice


def test_other_figures_than_those_of_the_seed_files_are_told_and_stay(session: Connection) -> None:
    execute(session, "delete from mart.core_factors")

    found = nights.reference_figures(session)

    assert found.level == "problem"
    assert "core_factors.csv" in found.found
    assert execute(session, "select count(*) from mart.core_factors").scalar_one() == 0


def test_a_seed_file_that_does_not_fit_is_told(session: Connection, tmp_path: Path) -> None:
    header = (seeds.SEEDS_FOLDER / "core_factors.csv").read_text(encoding="utf-8").partition("\n")[0]
    (tmp_path / "core_factors.csv").write_text(f"{header}\none value\n", encoding="utf-8")

    found = nights.reference_figures(session, tmp_path)

    assert found.level == "problem"
    assert "line 2" in found.found


def test_a_list_that_a_method_names_and_no_seed_has_is_told(session: Connection) -> None:
    catalog = Catalog.read()
    assert nights.method_lists(session, catalog).level == "ok"
    execute(session, "delete from mart.license_minimums where minimum_list = 'vmware_core'")

    found = nights.method_lists(session, catalog)

    assert found.level == "problem"
    assert "minimum_list 'vmware_core' of vmware_core.host.v1" in found.found
    assert "license_minimums.csv" in found.advice


def publish(session: Connection, load_id: int) -> None:
    execute(
        session,
        """
        insert into ops.snapshots (org_id, snapshot_date, load_id)
        select org_id, snapshot_date, load_id from ops.loads where load_id = %(load_id)s
        """,
        load_id=load_id,
    )


def one(findings: list[Finding], check: str) -> Finding:
    [found] = [each for each in findings if each.check == check]
    return found
