"""What DATE and CONF ask for, and how a mistake in them is answered."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from local_runtime.airflow_home import clean_environment
from local_runtime.problem import Problem
from local_runtime.run import Outcome, _note, conf_from, without_secrets


def test_nothing_asked_for_takes_the_defaults_of_the_dag() -> None:
    assert conf_from("", "") == {}


def test_date_is_the_snapshot_date_beside_other_params() -> None:
    assert conf_from("2026-11-23", '{"publishers": ["Oracle"]}') == {
        "snapshot_date": "2026-11-23",
        "publishers": ["Oracle"],
    }


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "20261123", "2026-11-23T00:00", "2026-11-23 "])
def test_a_date_that_is_none_is_misuse(text) -> None:
    with pytest.raises(Problem, match="DATE must be a date like") as caught:
        conf_from(text, "")

    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["{", "[1]", '"text"', "publishers=Oracle"])
def test_params_that_are_no_json_object_are_misuse(text) -> None:
    with pytest.raises(Problem, match="CONF") as caught:
        conf_from("", text)

    assert caught.value.exit_code == 2


def test_two_different_dates_are_misuse() -> None:
    with pytest.raises(Problem, match="give one of them"):
        conf_from("2026-11-23", '{"snapshot_date": "2026-11-22"}')


def test_a_reason_is_one_line_without_secrets() -> None:
    assert without_secrets("login failed:\n  s3cret!", ["s3cret!"]) == "login failed: ***"


def test_a_reason_that_quotes_a_whole_statement_is_cut() -> None:
    reason = without_secrets("column is missing " + "select 1 " * 1000, [])

    assert reason.startswith("column is missing select 1")
    assert reason.endswith("(all of it is in the log)")
    assert len(reason) < 700


def test_a_mistake_is_answered_in_one_line_before_anything_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local_runtime", "run"],
        env=clean_environment(os.environ) | {"DATE": "tomorrow"},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "DATE must be a date like 2026-11-23, not 'tomorrow'\n"


def test_each_wait_says_its_next_try_and_the_reason_once(capsys: pytest.CaptureFixture[str]) -> None:
    prepared: Any = SimpleNamespace(secrets=["hush"])
    outcome = Outcome()
    task = {"event": "task", "state": "failed", "run_id": "r", "task_id": "list_licenses", "map_index": -1}
    for seconds, time in (("0.5", "14:03:22"), ("1.0", "14:03:23")):
        message = f"Next try in {seconds} s, at {time} UTC: api.example:443 cannot be reached (hush)"
        _note({"event": "waiting", "message": message}, outcome, prepared)
    facts = {"label": None, "license_ids": [], "error": "api.example:443 cannot be reached (hush)"}
    _note(task | facts, outcome, prepared)

    first, second, failed = [line[12:] for line in capsys.readouterr().out.splitlines()]
    assert first == "waits    Next try in 0.5 s, at 14:03:22 UTC: api.example:443 cannot be reached (***)"
    assert second == "waits    Next try in 1.0 s, at 14:03:23 UTC: for the same reason"
    assert failed == "failed   list_licenses", "its reason is the last line of the run"
    assert outcome.reason == "list_licenses: api.example:443 cannot be reached (***)"
