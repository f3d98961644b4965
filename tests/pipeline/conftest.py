"""The nightly DAG against the simulator and a warehouse of its own."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from nightly_job import Nightly, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flexera_simulator.testing import RunningSimulator


@pytest.fixture(scope="module")
def nightly(
    airflow_metadata: str, simulator: RunningSimulator, module_warehouse_url: str
) -> Iterator[Nightly]:
    """The DAG, with connections to a simulator and a warehouse for the tests of one file."""
    before = dict(os.environ)
    os.environ.update(connections(simulator, module_warehouse_url))
    yield Nightly(simulator, module_warehouse_url)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sets who is told, after those in `first`; the returned function gives the messages so far."""
    file = tmp_path / "messages"

    def messages(*first: Any, **changes: Any) -> list[str]:
        if changes:
            entry = {
                "class": "file_notifier.FileNotifier",
                "kwargs": {
                    "path": str(file),
                    "line": "{{ notice.event }}: {{ notice.title }}. {{ notice.text }}",
                },
            }
            monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_NOTIFIERS", json.dumps([*first, entry | changes]))
        return file.read_text().splitlines() if file.exists() else []

    return messages
