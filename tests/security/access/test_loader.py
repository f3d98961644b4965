"""chargeback_loader: all that the nightly job and the maintenance need, and nothing more."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from access_world import AccessWorld
    from nightly_job import Nightly


def test_a_night_that_a_loader_built_is_what_the_api_recharged_to_the_cent(
    world: AccessWorld, nightly: Nightly
) -> None:
    totals = nightly.simulator.totals(nightly.today)

    assert world.admin.value("select sum(recharged_cost) from bi.chargeback_current") == Decimal(
        totals["recharged_cost"]
    )
    assert world.admin.value("select count(*) from ops.snapshots") == 2


def test_a_loader_repeats_a_night_and_lives_through_the_maintenance(
    world: AccessWorld, nightly: Nightly
) -> None:
    assert nightly.run(source="raw").state == "success"
    world.admin.run(
        "update ops.loads set finished_at = now() - interval '30 days', published_at = now() - interval '30 days'"
    )

    run = nightly.run_dag("warehouse_maintenance")

    assert run.state == "success"
    [task] = run.tasks
    assert task.xcom_pull(task_ids="drop_expired")["partitions"] > 0


def test_a_loader_watches_over_the_nights_and_notes_who_was_told(
    world: AccessWorld, nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLEXERA_EMEA", json.dumps(nightly.simulator.connection("67890")))
    monkeypatch.setenv("AIRFLOW_VAR_CHARGEBACK_ORGANIZATIONS", '["flexera_emea"]')

    run = nightly.run_dag("freshness_watch")

    states = {task.map_index: task.state for task in run.tasks if task.task_id == "check_freshness"}
    assert states == {0: "success", 1: "failed"}
    assert world.admin.value("select string_agg(org_id, ',') from ops.staleness_notices") == "67890"


@pytest.mark.parametrize(
    "forbidden",
    [
        "drop table mart.fct_chargeback",
        "truncate mart.fct_chargeback",
        "alter table mart.fct_chargeback disable row level security",
        "create table mart.mine (id integer)",
        "create view bi.mine as select 1 as one",
        "create role someone",
        "select * from ops.access_grants",
        "insert into ops.access_grants (grantee, org_id, hierarchy, path) values ('a', 'b', 'location', 'c')",
        "update ops.access_rules set owner_condition = 'true'",
        "update ops.schema_versions set version_num = '0001'",
        "delete from mart.core_factors",
        "select ops.apply_access()",
        "select ops.granted_units('postgres')",
        "select ops.analyze_load('pg_catalog.pg_authid', 1, '2026-11-24')",
        "drop table staging.consumption_pages_load_1",
    ],
)
def test_a_loader_changes_rows_and_nothing_else(world: AccessWorld, forbidden: str) -> None:
    error = world.person("nightly").error(forbidden)

    assert any(
        words in error for words in ("permission denied", "must be owner", "no table of the warehouse")
    )
