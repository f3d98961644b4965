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
    assert 0 < listener.gauge("chargeback.snapshot_age_hours") < 24
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
    assert 0 < listener.gauge("chargeback.snapshot_age_hours") < 24


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


def test_the_watch_sends_the_age_of_a_snapshot_that_is_too_old(nightly: Nightly, tmp_path: Path) -> None:
    assert nightly.run(license_ids=LICENSES[:1]).state == "success"
    with listening() as listener:
        states = [
            watched_run.run(tmp_path / "log", listener.settings, dag_id="freshness_watch", **params)[0]
            for params in ({}, {"allowed_age_hours": 1})
        ]

    hours = nightly.value(
        "select extract(epoch from now() - current_date::timestamp at time zone 'UTC') / 3600"
    )
    assert states == ["success", "failed" if hours > 1 else "success"]
    ages = [value for name, value, _ in listener.received if name == "airflow.chargeback.snapshot_age_hours"]
    assert ages == [pytest.approx(float(hours), abs=1)] * 2


def test_the_maintenance_sends_what_it_dropped_and_how_large_the_warehouse_is(
    nightly: Nightly, tmp_path: Path
) -> None:
    for _ in range(2):
        assert nightly.run(license_ids=LICENSES[:1]).state == "success"
    nightly.execute(
        "update ops.loads set finished_at = finished_at - interval '8 days', "
        "published_at = published_at - interval '8 days'"
    )
    sent = {}
    for is_dry_run in (True, False):
        with listening() as listener:
            state, _ = watched_run.run(
                tmp_path / "log", listener.settings, dag_id="warehouse_maintenance", dry_run=is_dry_run
            )
        assert state == "success"
        sent[is_dry_run] = listener

    size = nightly.value("select pg_database_size(current_database())")
    for listener in sent.values():
        assert listener.gauge("chargeback.warehouse_bytes") == pytest.approx(size, rel=0.5)
    dropped = {name: sent[False].total(f"chargeback.{name}") for name in metrics.DROPPED.values()}
    of_ledger = "select count(*) from ops.loads where levels_dropped_at is not null"
    assert dropped["loads_dropped"] == nightly.value(of_ledger) > 0
    assert dropped["loads_skipped"] == 0
    assert min(dropped[name] for name in ("partitions_dropped", "facts_dropped", "bytes_dropped")) > 0
    assert [name for name in dropped if sent[True].total(f"chargeback.{name}")] == []
