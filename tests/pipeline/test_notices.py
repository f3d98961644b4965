"""People are told when a license fails, when a night is published, and when the request limit runs dry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chargeback.warehouse import budget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LICENSES = ["41201", "41202", "41203"]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sets who is told; the returned function gives the messages so far."""
    file = tmp_path / "messages"

    def messages(**changes: Any) -> list[str]:
        if changes:
            entry = {
                "class": "file_notifier.FileNotifier",
                "kwargs": {
                    "path": str(file),
                    "line": "{{ notice.event }}: {{ notice.title }}. {{ notice.text }}",
                },
            }
            monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_NOTIFIERS", json.dumps([entry | changes]))
        return file.read_text().splitlines() if file.exists() else []

    return messages


@pytest.fixture(autouse=True)
def _well(nightly: Any) -> Any:
    yield
    nightly.simulator.clear_faults()


def test_a_published_night_is_told_with_its_totals(nightly, told) -> None:
    told(events=["publish", "failure"])

    assert nightly.run(license_ids=LICENSES).state == "success"

    [message] = told()
    cost = nightly.value("select sum(recharged_cost) from bi.chargeback")
    assert message.startswith(f"publish: License chargeback of {nightly.today} is published.")
    assert "3 licenses" in message
    assert str(cost) in message


def test_a_license_that_fails_is_told_with_its_name_the_reason_and_what_to_do(nightly, told) -> None:
    told(events=["failure"])
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    assert nightly.run(license_ids=LICENSES).state == "failed"

    [message] = told()
    assert "extract_consumption of license Oracle Real Application Clusters failed" in message
    assert "license 41202 page 1: 403" in message
    assert "give its account a role" in message
    assert "clear the task" in message


def test_a_license_that_is_carried_forward_is_told_too(nightly, told) -> None:
    told(events=["failure"])
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    assert nightly.run(license_ids=LICENSES, on_license_failure="keep_previous").state == "success"

    [message] = told()
    assert "license Oracle Real Application Clusters could not be read" in message
    assert "carried forward" in message


def test_a_starving_run_is_told_once(nightly, told, monkeypatch) -> None:
    told(events=["starvation"])
    monkeypatch.setattr(budget, "_STARVED_SECONDS", 0.1)
    connection = nightly.simulator.connection()
    connection["extra"]["requests_per_minute"] = 120
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps(connection))

    assert nightly.run(license_ids=LICENSES).state == "success"

    [message] = told()
    assert "request limit of Flexera One is used up" in message
    assert "another integration" in message


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        pytest.param({"class": "no_such.Notifier"}, "no_such.Notifier cannot be made", id="class"),
        pytest.param({"kwargs": {"colour": "red"}}, "unexpected keyword argument", id="kwargs"),
        pytest.param({"when": "now"}, "must be an object with class", id="field"),
        pytest.param({"events": ["sunrise"]}, "failure, publish, starvation", id="event"),
    ],
)
def test_a_wrong_setting_is_told_in_the_log_and_so_is_the_message(
    nightly, told, caplog, setting, complaint
) -> None:
    told(**setting)

    assert nightly.run(license_ids=["41202"]).state == "success"

    assert "Variable chargeback_notifiers: entry 1" in caplog.text
    assert complaint in caplog.text
    assert told() == []


def test_who_set_nothing_finds_the_message_in_the_log(nightly, caplog) -> None:
    nightly.simulator.add_fault(license="41202", status=403, times=None)

    nightly.run(license_ids=["41202"])

    assert "extract_consumption of license Oracle Real Application Clusters failed" in caplog.text
