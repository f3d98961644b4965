"""A tenant whose names and messages attack terminals and logs: people see them plainly, the warehouse keeps them."""

from __future__ import annotations

import json
import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest

from local_runtime.run import Outcome, _note

ATTACK = "\x1b[2J\x1b]0;owned\x07\r\nERROR forged\u202e\u200b"
NAME = f"Visio {ATTACK} {{{{ 1/0 }}}} {'x' * 9000}"
ID = f"4711{ATTACK}"
# Control characters but line breaks, what turns the direction of writing, and a line or a name that is not ours.
HARM = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]|^ERROR forged|x{1000}", re.MULTILINE
)
COLORS = re.compile(r"\x1b\[[0-9;]*m")  # Airflow's own


@pytest.fixture
def hostile(nightly: Any) -> Any:
    """The nightly job against licenses, rows and messages of an attacker."""
    licenses = [
        {
            "id": id_,
            "name": name,
            "type": f"Device {ATTACK}",
            "company": {"name": NAME},
            "compliance": {"purchasedEntitlementCount": 9, "consumedEntitlementCount": 5},
        }
        for id_, name in (("1", NAME), ("2", "Second"), (ID, f"Third {ATTACK}"))
    ]
    rows = [
        {
            "device": {
                "id": f"d{number}{ATTACK}",
                "name": NAME,
                "type": "Computer",
                "costCenter": f"R&D {ATTACK}",
            },
            "host": {"id": "h", "name": NAME},
            "consumption": 1,
            "chargeback": {
                "consumption": 1,
                "cost": "10.00",
                "costPerRight": "10.00",
                "currency": "EUR",
            },
        }
        for number in range(4)
    ]
    rows.append(
        {"device": {"id": "d9", "name": NAME}, "chargeback": {"consumption": ATTACK, "cost": f"1{ATTACK}"}}
    )
    nightly.simulator.add_fault(path="/licenses$", times=None, replace_body=json.dumps(licenses))
    nightly.simulator.add_fault(
        license="2", times=None, status=403, message=f"{ATTACK} not for you {'x' * 9000}"
    )
    nightly.simulator.add_fault(path="/consumption$", times=None, replace_body=json.dumps({"values": rows}))
    yield nightly
    nightly.simulator.clear_faults()


def shown_by_run(tasks: list[Any], reason: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What `make run` prints of these tasks."""
    prepared: Any = SimpleNamespace(secrets=[])
    capfd.readouterr()
    for task in tasks:
        facts = {"task_id": task.task_id, "map_index": task.map_index, "label": task.rendered_map_index}
        event = {"event": "task", "state": "failed", "run_id": "r", "error": reason, "license_ids": []}
        _note(event | facts, Outcome(reason="another task"), prepared)
    return capfd.readouterr().out


def test_no_output_shows_hostile_texts_as_they_are(
    hostile: Any, told: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told(events=["failure", "publish"])
    caplog.set_level(logging.INFO, "chargeback")

    run = hostile.run(allowed_gap_percent=100)
    log = COLORS.sub("", "".join(capfd.readouterr())) + caplog.text
    ledger = hostile.rows("select failure from ops.loads union all select error from ops.extractions")

    assert "extract_consumption" in run.failed_tasks
    assert "not for you" in log
    labels = {task.rendered_map_index for task in run.tasks if task.map_index >= 0}
    assert {label[:5] for label in labels} == {"Visio", "Secon", "Third"}
    assert max(map(len, labels)) <= 200
    outputs = {
        "log": log,
        "labels": "\n".join(labels),
        "notices": "\n".join(told()),
        "ledger": "\n".join(str(row["failure"]) for row in ledger),
        "terminal": shown_by_run(run.tasks, ATTACK + NAME, capfd),
    }
    assert {name: HARM.findall(text)[:3] for name, text in outputs.items() if HARM.search(text)} == {}
    assert "ERROR forged" in outputs["terminal"]
    assert "not for you" in outputs["ledger"]


def test_the_warehouse_keeps_hostile_texts_as_they_are(
    hostile: Any, told: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told(events=["failure", "publish"])
    caplog.set_level(logging.INFO, "chargeback")

    run = hostile.run(exclude_license_ids=["2"], allowed_gap_percent=100)
    log = COLORS.sub("", "".join(capfd.readouterr())) + caplog.text

    assert run.state == "success", log[-3000:]
    assert "Visio" in log
    assert HARM.findall(log + "\n".join(told())) == []
    names = {row["name"] for row in hostile.rows("select license_name as name from bi.license_position")}
    assert any("\x1b[2J" in name and len(name) > 9000 for name in names) or any(
        len(name) > 200 for name in names
    )
