"""The simulator as a program."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx


def test_it_says_where_it_listens_and_ends_on_request(tmp_path):
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "flexera_simulator", "--port", "0", "--port-file", str(port_file)]
    options = ["--tenant", "load", "--licenses", "3", "--rows", "30", "--org", "77", "--date", "2026-11-24"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().removeprefix("listening on ")
            assert url == f"http://127.0.0.1:{port_file.read_text().strip()}"
            settings = httpx.get(f"{url}/simulator/settings").json()
            assert (settings["org"], settings["rows"], settings["date"]) == (["77"], 30, "2026-11-24")
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_a_wrong_option_is_explained():
    command = [sys.executable, "-m", "flexera_simulator", "--page-size", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "page_size" in done.stderr


def test_every_option_is_explained():
    done = subprocess.run(
        [sys.executable, "-m", "flexera_simulator", "--help"], capture_output=True, text=True, check=True
    )
    for option in (
        "--tenant",
        "--requests-per-minute",
        "--window-seconds",
        "--token-lifetime-seconds",
        "--seed",
    ):
        assert option in done.stdout
