"""Our figures reach a StatsD server, through Airflow's own settings, from a real run of the DAG."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import watched_run
from collector import collecting

from chargeback import metrics
from chargeback.steps import figures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightly_job import Nightly

LICENSES = ["41201", "41202", "41203"]


class Listener:
    """What came in, as (name, value, kind) in the order of arrival."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.socket.bind(("127.0.0.1", 0))
        self.received: list[tuple[str, float, str]] = []

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.socket.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_PREFIX": "airflow",
        }

    def listen(self) -> None:
        while (packet := self.socket.recv(65536)) != b"end":
            for line in packet.decode().splitlines():
                name, _, rest = line.rpartition(":")
                value, kind = rest.split("|")[:2]
                self.received.append((name, float(value), kind))

    def total(self, name: str) -> float:
        return sum(value for got, value, kind in self.received if got == f"airflow.{name}" and kind == "c")

    def gauge(self, name: str) -> float:
        """The last value of a gauge."""
        return [value for got, value, kind in self.received if got == f"airflow.{name}" and kind == "g"][-1]


@contextmanager
def listening() -> Iterator[Listener]:
    """A StatsD server on a port of its own; what it received is whole after the block."""
    listener = Listener()
    thread = threading.Thread(target=listener.listen)
    thread.start()
    try:
        yield listener
    finally:
        listener.socket.sendto(b"end", listener.socket.getsockname())
        thread.join()
        listener.socket.close()


def test_a_night_sends_its_figures(nightly: Nightly, tmp_path: Path) -> None:
    with listening() as listener:
        state, _ = watched_run.run(tmp_path / "log", listener.settings, license_ids=LICENSES)

    assert state == "success"
    [ledger] = nightly.rows("select * from bi.snapshot")
    assert listener.total("chargeback.licenses_read") == len(LICENSES)
    assert listener.total("chargeback.rows_loaded") == ledger["row_count"]
    assert listener.total("chargeback.pages_loaded") == ledger["page_count"]
    assert listener.total("chargeback.requests_sent") == ledger["request_count"] - 1  # the list itself
    assert listener.gauge("chargeback.snapshot_rows") == ledger["row_count"]
    assert listener.gauge("chargeback.recharged_cost") == pytest.approx(
        float(ledger["recharged_cost"]), rel=1e-9
    )
    assert listener.gauge("chargeback.snapshot_age_days") == 0
    assert listener.gauge("chargeback.failing_checks") == 0
    assert listener.gauge("chargeback.requests_of_budget") == ledger["request_count"]
    waits = [
        value for name, value, kind in listener.received if kind == "ms" and name.endswith(metrics.WAITING)
    ]
    assert len(waits) == len(LICENSES)
    gauges = {name for name, _, kind in listener.received if kind == "g" and ".chargeback." in name}
    assert gauges == {f"airflow.chargeback.{name}" for name in figures.MEANINGS}


def test_a_night_that_breaks_a_check_says_so_and_how_old_the_snapshot_is(
    nightly: Nightly, tmp_path: Path
) -> None:
    with listening() as listener:
        nightly.simulator.set(visible_percent=1)
        try:
            state, _ = watched_run.run(tmp_path / "log", listener.settings, license_ids=LICENSES)
        finally:
            nightly.simulator.set(visible_percent=100)

    assert state == "failed"
    assert listener.gauge("chargeback.failing_checks") >= 1
    assert listener.gauge("chargeback.snapshot_age_days") == 0


def test_a_statsd_server_that_cannot_be_found_changes_no_run(nightly: Nightly, tmp_path: Path) -> None:
    with listening() as listener:
        away = listener.settings | {"AIRFLOW__METRICS__STATSD_HOST": "no-such-host.invalid"}
        state, _ = watched_run.run(tmp_path / "log", away, license_ids=LICENSES[:1])

    assert state == "success"
    assert listener.received == []


def test_a_night_sends_its_figures_to_an_opentelemetry_collector(nightly: Nightly, tmp_path: Path) -> None:
    with collecting() as collector:
        settings = {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        state, _ = watched_run.run(tmp_path / "log", settings, license_ids=LICENSES)

    assert state == "success"
    rows = nightly.value("select row_count from bi.snapshot")
    tags = {"org_id": nightly.simulator.settings.org[0]}
    assert collector.last["airflow.chargeback.snapshot_rows"] == (rows, tags)
    assert collector.last["airflow.chargeback.licenses_read"] == (len(LICENSES), tags)
