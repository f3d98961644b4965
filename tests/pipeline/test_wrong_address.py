"""A night against an address where nothing answers, or where somebody else's login page does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_runtime.postgres import free_port


def tries(run: Any, task_id: str) -> list[int]:
    return [task.try_number for task in run.tasks if task.task_id == task_id]


@pytest.mark.parametrize("setting", ["api_url", "token_url"])
def test_an_address_where_nothing_has_ever_answered_ends_the_run_with_its_first_task(
    nightly: Any, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    connection = nightly.simulator.connection()
    port = free_port()
    extra = {**connection["extra"], setting: f"http://127.0.0.1:{port}"}
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA", json.dumps({**connection, "extra": extra}))

    run = nightly.run()

    assert run.state == "failed"
    assert tries(run, "list_licenses") == [1]
    assert (
        f"127.0.0.1:{port} cannot be reached (Connection refused). Check zone and {setting}"
        in nightly.last_failure()
    )


def test_a_login_page_ends_the_run_with_its_first_task(nightly: Any) -> None:
    nightly.simulator.add_fault(path="/licenses$", body="login", times=None)

    run = nightly.run()
    nightly.simulator.clear_faults()

    assert tries(run, "list_licenses") == [1]
    assert 'signing in failed: 200 with a login page ("Sign in")' in nightly.last_failure()
