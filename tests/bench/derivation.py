"""How long all methods of all licenses take, beside a plain insert of as many rows into the fact table.

Three licenses of ten are of virtual machines in pools on hosts in clusters (Oracle, IBM PVU, Windows Server), where the
demo tenant has one row of ten; the rest are of devices and users. Every license is worked out by all its candidates.
"""

from __future__ import annotations

from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any

from bench_world import ORG_ID, expect, open_load, seconds_of, value
from measure import Measure, Ratio

from chargeback.methods import Catalog
from chargeback.steps import derive
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from bench_world import BenchWorld

    from chargeback.warehouse.database import Database

ROWS = 1_000_000
TIMES = 10
ROWS_OF_LICENSE = 5_000

# Each license holds `size` consumers: four to a host, with a pool of two on every host; sixteen hosts to a cluster.
# Nodes lie license by license, consumers before containers, as build_levels leaves them.
_LICENSES = """
insert into intermediate.int_licenses (load_id, license_id, license_name, license_type, publisher, consumed)
select
    1,
    number::text,
    'License ' || number,
    (
        array[
            'Oracle Processor', 'Device', 'User', 'IBM PVU', 'Device', 'Named User',
            'Microsoft Server/Management Core', 'Device', 'User', 'Device'
        ]
    )[1 + number %% 10],
    'Publisher ' || number %% 7,
    %(size)s
from generate_series(0, %(licenses)s - 1) as number
"""
_VERSIONS = """
insert into intermediate.int_price_sources (load_id, license_id, cost_per_right, currency)
select 1, license_id, 100 + license_id::integer + 0.25, 'EUR' from intermediate.int_licenses where load_id = 1
"""
_CONSUMERS = """
insert into intermediate.int_capacity_nodes (
    load_id, license_id, node_id, node_type, parent_node_id, host_node_id, cluster_node_id, cores, account_id,
    recharged_consumption
)
select
    1,
    license_id,
    'id:' || number,
    case when is_user then 'user' when is_virtual then 'virtual_machine' else 'device' end,
    case
        when is_virtual and number %% 4 < 2 then 'pool P on host h' || number / 4
        when is_virtual then 'host h' || number / 4
    end,
    case when is_virtual then 'host h' || number / 4 end,
    case when is_virtual then 'cluster c' || number / 64 end,
    2 + number %% 7,
    case when is_user then 'id:' || number end,
    1
from (
    select
        license_id,
        license_type in ('Oracle Processor', 'IBM PVU', 'Microsoft Server/Management Core') as is_virtual,
        license_type in ('User', 'Named User') as is_user
    from intermediate.int_licenses
    where load_id = 1
) as licenses
cross join generate_series(0, %(size)s - 1) as number
order by license_id, number
"""
_CONTAINERS = """
insert into intermediate.int_capacity_nodes (
    load_id, license_id, node_id, node_type, parent_node_id, host_node_id, cluster_node_id, cores, capped_cores,
    points_per_core
)
select
    1,
    license_id,
    node_id,
    case node_type when 'virtual_machine' then 'pool' else node_type end,
    case node_type when 'pool' then host_node_id when 'host' then cluster_node_id end,
    case node_type when 'pool' then host_node_id end,
    case when node_type <> 'cluster' then cluster_node_id end,
    case node_type when 'host' then 24 when 'cluster' then 384 end,
    case node_type when 'pool' then 6 end,
    case node_type when 'host' then case license_type when 'IBM PVU' then 70 else 0.5 end end
from (
    select distinct
        nodes.license_id,
        licenses.license_type,
        containers.node_type,
        containers.node_id,
        case when containers.node_type = 'pool' then nodes.host_node_id end as host_node_id,
        case when containers.node_type <> 'cluster' then nodes.cluster_node_id end as cluster_node_id
    from intermediate.int_capacity_nodes as nodes
    inner join intermediate.int_licenses as licenses using (load_id, license_id)
    cross join lateral (
        values ('pool', nodes.parent_node_id), ('host', nodes.host_node_id), ('cluster', nodes.cluster_node_id)
    ) as containers (node_type, node_id)
    where
        nodes.load_id = 1
        and nodes.host_node_id is not null
        and (containers.node_type <> 'pool' or nodes.parent_node_id <> nodes.host_node_id)
) as containers
order by license_id
"""
# The fact rows that the insert is measured with: what build_star would make of the same consumers.
_FACTS = """
create unlogged table public.facts as
select
    1::bigint as load_id,
    %(snapshot_date)s::date as snapshot_date,
    '12345' as org_id,
    md5(license_id)::uuid as license_key,
    md5(node_id)::uuid as consumer_key,
    md5(host_node_id)::uuid as host_key,
    md5(cluster_node_id)::uuid as cluster_key,
    md5('location ' || length(node_id))::uuid as location_key,
    md5('cost center ' || hashtext(node_id) %% 300)::uuid as cost_center_key,
    md5('unit ' || hashtext(node_id) %% 20)::uuid as corporate_unit_key,
    license_id,
    cores,
    1::numeric as consuming_installations,
    1::numeric as machine_consumption,
    100.25 as cost_per_right,
    recharged_consumption,
    100.25 as recharged_cost,
    'EUR' as currency,
    1::bigint as line_count,
    1::numeric as derived_consumption,
    100.25 as derived_cost,
    false as is_carried_forward
from intermediate.int_capacity_nodes
where load_id = 1 and level = 0
"""
_INSERT = "insert into mart.fct_chargeback ({columns}) select {columns} from public.facts"


@cache
def _derived(world: BenchWorld, rows: int) -> tuple[Database, float]:
    """A warehouse of so many consumers, and how long their derivation took."""
    database = world.warehouse()
    _fill(database, rows)
    _settle(database)
    seconds = seconds_of(_derive, database)
    expect(
        value(
            database, "select count(*) from intermediate.int_capacity_nodes where load_id = 1 and level = 0"
        ),
        value(database, "select sum(consumer_count) from intermediate.int_method_fits where is_chosen"),
        "consumers derived",
    )
    return database, seconds


def _fill(database: Database, rows: int) -> None:
    size = min(rows, ROWS_OF_LICENSE)
    expect(open_load(database), 1, "the load")
    parameters = {**_parameters(database), "size": size, "licenses": max(rows // size, 1)}
    with database.transaction() as connection:
        for statement in (_LICENSES, _VERSIONS, _CONSUMERS, _CONTAINERS):
            execute(connection, statement, **parameters)


def _settle(database: Database) -> None:
    """Do what the filling left for later, which the derivation would be charged with."""
    with closing(database.raw_connection()) as driver, driver.cursor() as cursor:
        driver.autocommit = True
        for table in ("int_licenses", "int_price_sources", "int_capacity_nodes"):
            cursor.execute(f"vacuum analyze intermediate.{table}")
        cursor.execute("checkpoint")


def _derive(database: Database) -> None:
    with database.transaction() as connection:
        derive.write(connection, Catalog.read(), _parameters(database))


def _parameters(database: Database) -> dict[str, Any]:
    """What every statement is told of the load."""
    return {
        "load_id": 1,
        "org_id": ORG_ID,
        "snapshot_date": value(database, "select snapshot_date from ops.loads where load_id = 1"),
    }


def _insert(database: Database) -> float:
    """How long a plain insert of the same consumers into the fact table takes."""
    _run(database, _FACTS)
    columns = value(
        database,
        "select string_agg(attname, ', ' order by attnum) from pg_attribute "
        "where attrelid = 'public.facts'::regclass and attnum > 0",
    )
    return seconds_of(_run, database, _INSERT.format(columns=columns))


def _run(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        execute(connection, statement, **_parameters(database))


def _beside_an_insert(world: BenchWorld) -> Ratio:
    rows = world.rows(ROWS)
    database, derivation = _derived(world, rows)
    insert = _insert(database)
    return Ratio(
        derivation / insert, f"{derivation:.1f} s to derive {rows:,} rows, {insert:.1f} s to insert them"
    )


def _ten_times(world: BenchWorld) -> Ratio:
    rows = world.rows(ROWS)
    few, many = _derived(world, rows)[1], _derived(world, rows * TIMES)[1]
    return Ratio(many / few, f"{many:.1f} s for {rows * TIMES:,} rows, {few:.1f} s for {rows:,}")


MEASURES = [
    Measure("derive_all_methods", "<= 3", _beside_an_insert),
    Measure("linear_derive_all_methods", "<= 11", _ten_times),
]
