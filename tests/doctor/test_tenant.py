"""What the doctor says of a tenant: a simulator over HTTP, well and in every way unwell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from chargeback import hooks
from chargeback.doctor import tenant
from chargeback.flexera import FieldMap
from chargeback.methods import METHODS_FILE, Catalog
from chargeback.settings import FlexeraSettings
from chargeback.warehouse.budget import RequestBudget
from chargeback.warehouse.database import execute
from flexera_simulator.testing import running_simulator

if TYPE_CHECKING:
    from pathlib import Path

    from chargeback.doctor.findings import Finding
    from chargeback.warehouse.database import Database
    from flexera_simulator.testing import RunningSimulator


def settings_for(simulator: RunningSimulator, **extra: Any) -> FlexeraSettings:
    connection = simulator.connection()
    return FlexeraSettings.from_connection(
        connection["login"], connection["password"], connection["extra"] | extra
    )


def look(
    simulator: RunningSimulator,
    *,
    field_map: FieldMap | None = None,
    catalog: Catalog | None = None,
    database: Database | None = None,
    **extra: Any,
) -> list[Finding]:
    """All findings about a simulator, its requests taken from the warehouse's budget where there is one."""
    settings = settings_for(simulator, **extra)
    budget = RequestBudget(database.raw_connection, settings.budget_id, 0) if database else None
    with requests.Session() as session:
        return tenant.examine(
            session, settings, budget, None, field_map or hooks.field_map(), catalog or hooks.methods()
        )


def worst(findings: list[Finding], check: str) -> Finding:
    levels = ("ok", "warning", "problem")
    return max((each for each in findings if each.check == check), key=lambda each: levels.index(each.level))


def test_a_tenant_that_is_well_has_no_problem(simulator: RunningSimulator) -> None:
    findings = look(simulator)

    assert [str(each) for each in findings if each.level == "problem"] == []
    assert "60 licenses" in worst(findings, "organization").found
    assert "apart from Flexera's" in worst(findings, "API clock").found


def test_a_look_takes_its_few_requests_from_the_shared_budget(
    simulator: RunningSimulator, warehouse: Database
) -> None:
    before = simulator.api_request_count()
    look(simulator, database=warehouse)
    sent = simulator.api_request_count() - before

    with warehouse.session() as session:
        taken = execute(session, "select sum(request_count) from ops.request_budgets").scalar_one()
    assert 2 <= sent <= tenant.MOST_REQUESTS
    assert taken == sent


@pytest.mark.parametrize(
    ("profile", "check", "told"),
    [
        ("account_revoked", "access token", "login, password, grant_type and zone"),
        ("grant_refused", "access token", "login, password, grant_type and zone"),
        ("no_role", "organization", "give its account a role"),
        ("wrong_zone", "organization", "Check org_id and zone"),
        ("extra_fields", "optional fields", "Fields that no column reads"),
        ("missing_optional", "optional fields", "no row has"),
        ("license_name_missing", "required fields", "license_name (name or licenseName)"),
        ("unknown_type", "license types", "include/config/methods.yaml"),
    ],
)
def test_each_way_to_be_unwell_is_told_with_what_to_do(profile: str, check: str, told: str) -> None:
    with running_simulator(profile=profile, requests_per_minute=0) as simulator:
        found = worst(look(simulator), check)

    assert told in str(found)


def test_a_renamed_required_field_is_told_with_the_paths_tried_and_those_that_nobody_reads(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    field_map = mapped(tmp_path, ("chargeback.cost\n", "invoiced.cost\n"))
    found = worst(look(simulator, field_map=field_map), "required fields")

    assert found.level == "problem"
    assert "recharged_cost (invoiced.cost or chargeBack.cost" in found.found
    assert "Fields that no column reads: chargeback.cost" in found.advice


def test_an_optional_column_that_is_never_there_beside_a_field_that_may_be_it_is_told(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    field_map = mapped(tmp_path, ("[device.name, deviceName, computerName]", "[device.label]"))
    found = worst(look(simulator, field_map=field_map), "optional fields")

    assert found.level == "warning"
    assert "device_name" in found.found
    assert "device.name" in found.advice


def test_values_of_another_type_are_told(simulator: RunningSimulator, tmp_path: Path) -> None:
    field_map = mapped(
        tmp_path,
        (
            "purchased:       {type: quantity, paths: [compl",
            "purchased:       {type: quantity, paths: [name, compl",
        ),
    )
    found = worst(look(simulator, field_map=field_map), "values")

    assert found.level == "problem"
    assert "purchased" in found.found


def test_a_tenant_whose_rows_lack_the_charge_has_a_problem() -> None:
    with running_simulator(requests_per_minute=0) as simulator:
        simulator.set(forms=("no_charge",))
        found = worst(look(simulator), "required fields")

    assert found.level == "problem"
    assert "recharged_consumption" in found.found


def test_an_organization_that_shows_no_license_is_a_problem() -> None:
    with running_simulator(requests_per_minute=0) as simulator:
        simulator.add_fault(path="/licenses", replace_body="[]", times=None)
        found = worst(look(simulator), "organization")

    assert found.level == "problem"
    assert "may see licenses" in found.advice


def test_licenses_without_rows_are_told() -> None:
    with running_simulator(requests_per_minute=0) as simulator:
        simulator.add_fault(path="/consumption", replace_body='{"values":[]}', times=None)
        found = worst(look(simulator), "consumption")

    assert found.level == "warning"


def test_an_organization_that_is_not_ours_is_a_problem(simulator: RunningSimulator) -> None:
    assert worst(look(simulator, org_id="99999"), "organization").level == "problem"


def test_a_server_that_is_away_is_a_problem(simulator: RunningSimulator) -> None:
    found = worst(look(simulator, token_url="http://127.0.0.1:1/oidc/token"), "access token")

    assert found.level == "problem"
    assert "access token" in found.found


def test_a_limit_that_others_use_up_is_told_and_not_waited_for() -> None:
    with running_simulator(requests_per_minute=1) as simulator:
        findings = look(simulator, requests_per_minute=50)

    assert worst(findings, "request limit").level == "warning"
    assert worst(findings, "consumption").level == "problem"
    assert "The request limit is used up for another" in worst(findings, "consumption").found


def test_no_more_than_a_handful_of_requests_is_sent_whatever_the_answers() -> None:
    with running_simulator(requests_per_minute=0) as simulator:
        simulator.add_fault(path="/fnms/", status=500, times=None)
        look(simulator)

        assert simulator.api_request_count() <= tenant.MOST_REQUESTS


@pytest.mark.parametrize(("per_minute", "level"), [(50, "ok"), (51, "warning"), (0, "warning")])
def test_a_pace_that_flexera_does_not_allow_is_told(per_minute: int, level: str) -> None:
    settings = FlexeraSettings(org_id="1", client_id="a", secret="b", requests_per_minute=per_minute)

    assert tenant.pace(settings).level == level


def test_a_simulator_may_be_asked_at_any_pace(simulator: RunningSimulator) -> None:
    assert tenant.pace(settings_for(simulator, requests_per_minute=6000)).level == "ok"


def test_a_server_that_does_not_tell_its_time_is_no_trouble() -> None:
    now = datetime.now(UTC)

    without_zone = format_datetime(now.replace(tzinfo=None))  # ends in -0000
    for headers in ({}, {"date": "yesterday"}, {"date": format_datetime(now)}, {"date": without_zone}):
        assert tenant.clock(headers, now).level == "ok"


def test_a_server_with_another_time_is_told(simulator: RunningSimulator) -> None:
    reply = requests.get(f"{simulator.url}/simulator/health", timeout=10)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    found = tenant.clock(headers, datetime.now(UTC) + timedelta(hours=1))

    assert found.level == "warning"
    assert found.found.startswith("36")


def test_license_types_that_all_have_methods_are_fine(simulator: RunningSimulator) -> None:
    text = METHODS_FILE.read_text(encoding="utf-8")
    catalog = Catalog.parse(
        text.replace("license_types:\n", "license_types:\n  Appliance Throughput: [device.each.v1]\n")
    )

    assert worst(look(simulator, catalog=catalog), "license types").level == "ok"


def mapped(folder: Path, *changes: tuple[str, str]) -> FieldMap:
    """The shipped field map with some texts replaced."""
    text = hooks.FIELD_MAP.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "field_map.yaml"
    path.write_text(text, encoding="utf-8")
    return FieldMap.read(path)
