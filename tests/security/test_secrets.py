"""Secrets reach no log, no table and no process list, whatever fails in a night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from places import files, tables

if TYPE_CHECKING:
    from bad_nights import BadNights

TASKS = ("open_load", "list_licenses", "extract_consumption")
# The first task of each night that does not end well, and how it ends.
FAILURES = {
    "licenses fail": ("extract_consumption", "failed"),
    "a license is carried forward": ("extract_consumption", "skipped"),
    "the client is refused": ("list_licenses", "failed"),
    "the refresh token is refused": ("list_licenses", "failed"),
    "the api_url holds a password": ("open_load", "failed"),
    "the warehouse password is wrong": ("open_load", "failed"),
    "the warehouse is not there": ("open_load", "failed"),
}


def test_every_night_failed_as_it_was_meant_to(bad_nights: BadNights) -> None:
    ends = {
        name: next((task, end) for task in TASKS for end in ("failed", "skipped") if end in night[task])
        for name, night in bad_nights.nights.items()
    }

    assert ends == FAILURES
    assert "success" in bad_nights.nights["licenses fail"]["extract_consumption"]


def test_every_fault_struck_and_the_server_repeated_every_secret(bad_nights: BadNights) -> None:
    gateway = bad_nights.simulator.gateway

    assert [name for name, fault in bad_nights.faults.items() if not fault.struck_count] == []
    assert gateway.struck_words == set(gateway.words(gateway.requests[0]))
    assert len(gateway.tokens()) > len(bad_nights.licenses)


def test_no_secret_is_in_a_log_or_another_file(bad_nights: BadNights) -> None:
    system = bad_nights.system

    assert any(system.home.rglob("task_id=extract_consumption/**/*.log"))
    assert {"scheduler.log", "api-server.log", "dag-processor.log"} <= {
        path.name for path in system.logs.iterdir()
    }
    assert bad_nights.needles().in_places(files(system.home, system.logs)) == []


def test_logs_of_tasks_are_their_owners(bad_nights: BadNights) -> None:
    logs = [path for path in (bad_nights.system.home / "logs").rglob("*") if "dag_id=" in str(path)]

    assert logs
    assert [path for path in logs if path.stat().st_mode & 0o077] == []


def test_no_secret_is_in_the_metadata_database(bad_nights: BadNights) -> None:
    looked_at = dict(tables(bad_nights.system.metadata_url))

    assert b"extract_consumption" in looked_at["public.rendered_task_instance_fields.task_id"]
    assert looked_at["public.xcom.value"]
    assert bad_nights.needles().in_places(looked_at.items()) == []


def test_no_secret_is_in_the_warehouse(bad_nights: BadNights) -> None:
    looked_at = dict(tables(bad_nights.warehouse_url))

    assert b"403 forbidden" in looked_at["ops.extractions.error"]
    assert b"list_licenses: access token: 401 unauthorized" in looked_at["ops.loads.failure"]
    assert bad_nights.needles().in_places(looked_at.items()) == []


def test_no_secret_is_in_the_log_of_the_database_server(bad_nights: BadNights) -> None:
    if not bad_nights.server_log.exists():
        pytest.skip("the server is somebody else's, by TEST_POSTGRES_URL")
    log = bad_nights.server_log.read_bytes()

    assert b"password authentication failed" in log
    assert bad_nights.needles().in_(log) == []


def test_no_secret_is_in_the_process_list(bad_nights: BadNights) -> None:
    seen = dict(bad_nights.processes.seen())
    command_lines = [command_line.replace(b"\0", b" ") for command_line in seen.values()]

    assert [line for line in command_lines if b"airflow" in line and b"scheduler" in line]
    assert [line for line in command_lines if b"airflow worker" in line]
    assert bad_nights.needles().in_places(seen.items()) == []
