"""The catalog of profiles, and the ways to turn them on and off."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flexera_simulator.profiles import PROFILES
from flexera_simulator.testing import running_simulator

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
SMALL = {"tenant": "load", "licenses": 3, "rows": 30, "date": "2026-11-24"}
PROGRAM = [sys.executable, "-m", "flexera_simulator"]


def test_every_group_of_behaviors_has_a_profile():
    assert {profile.group for profile in PROFILES.values()} == set(range(1, 19))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_profile_is_told_in_one_sentence(profile):
    assert re.fullmatch(r"(nextPage|[A-Z]).*[^.]\.", profile.does)
    assert re.fullmatch(r"[a-z0-9_]+", profile.name)


def test_only_one_profile_switches_nothing_on():
    assert [each.name for each in PROFILES.values() if not each.settings and not each.faults] == ["read_only"]


def test_the_documentation_lists_every_profile_with_its_group_and_sentence():
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+?) \| .+ \|$", PAGE, flags=re.MULTILINE)
    assert listed == [(each.name, str(each.group), each.does) for each in PROFILES.values()]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_is_turned_off_leaves_nothing_behind(shared, name):
    before, faults = shared.settings, list(shared.simulator.faults)
    shared.use_profile(name)
    shared.drop_profile(name)
    assert shared.settings == before
    assert shared.simulator.faults == faults


def test_a_profile_is_turned_on_and_off_over_http(call):
    http = call().http
    answer = http.post("/simulator/profiles", json={"name": "license_forbidden"}).json()
    assert [(fault["license"], fault["status"]) for fault in answer["faults"]] == [("500001", 403)]
    assert call().consumption(500001).status_code == 403
    shown = {each["name"]: each for each in http.get("/simulator/profiles").json()}
    assert set(shown) == set(PROFILES)
    assert [(each["name"], each["struck"]) for each in shown.values() if each["on"]] == [
        ("license_forbidden", 1)
    ]
    assert http.delete("/simulator/profiles", params={"name": "license_forbidden"}).json() == []
    assert call().consumption(500001).status_code == 200


def test_all_profiles_are_turned_off_at_once(call):
    caller = call()
    for name in ("no_role", "next_page_null"):
        caller.simulator.use_profile(name)
    fault = caller.simulator.add_fault(status=500)
    assert caller.http.delete("/simulator/profiles").json() == []
    assert caller.simulator.settings.last_page == "absent"
    assert caller.get().status_code == 500
    assert fault.struck_count == 1


def test_a_profile_may_be_for_a_license_that_is_named(call):
    caller = call()
    caller.http.post("/simulator/profiles", json={"name": "license_deleted", "license": 500003})
    assert caller.consumption(500003).status_code == 404
    assert caller.consumption(500001).status_code == 200


@pytest.mark.parametrize(
    "order", [{"name": "no_such"}, {}, {"name": "no_role", "licence": "1"}, {"name": None}], ids=str
)
def test_a_wrong_order_is_explained(call, order):
    caller = call()
    answer = caller.http.post("/simulator/profiles", json=order)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert caller.http.delete("/simulator/profiles", params={"name": "no_such"}).status_code == 400


def test_a_profile_turned_on_again_strikes_anew(call):
    simulator = call().simulator
    simulator.use_profile("json_errors")
    (first, *_) = simulator.use_profile("json_errors")
    assert first.struck_count == 0
    assert len(simulator.simulator.faults) == 4


def test_what_is_set_later_outlives_a_profile(call):
    simulator = call().simulator
    simulator.use_profile("one_row_a_page")
    simulator.set(page_size=7)
    assert simulator.settings.page_size == 7
    simulator.drop_profile("one_row_a_page")
    assert simulator.settings.page_size == 7


def test_profiles_of_the_start_are_back_after_a_reset(reader):
    with running_simulator(profile=["no_role", "one_row_a_page"], **SMALL) as simulator:
        simulator.drop_profile("no_role")
        with reader(simulator) as caller:
            assert len(caller.consumption(500001).json()["values"]) == 1
        simulator.reset()
        with reader(simulator) as caller:
            assert caller.get().status_code == 403


def test_a_profile_may_be_named_at_the_start_of_the_program():
    options = ["--port", "0", "--tenant", "load", "--rows", "30", "--licenses", "3"]
    profiles = ["--profile", "license_deleted", "--profile", "one_row_a_page"]
    with subprocess.Popen([*PROGRAM, *options, *profiles], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip().removeprefix("listening on ")
            on = [each["name"] for each in httpx.get(f"{url}/simulator/profiles").json() if each["on"]]
            assert sorted(on) == ["license_deleted", "one_row_a_page"]
        finally:
            process.terminate()


def test_the_program_lists_every_profile():
    done = subprocess.run([*PROGRAM, "--list-profiles"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [str(each.group), each.name] for each in PROFILES.values()
    ]
    assert all(line.endswith(each.does) for line, each in zip(lines, PROFILES.values(), strict=True))


def test_a_profile_that_does_not_exist_is_explained_at_the_start():
    done = subprocess.run([*PROGRAM, "--profile", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such profile: 'nonsense'" in done.stderr
