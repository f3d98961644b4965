"""Fill a warehouse with hundreds of published nights, in minutes: set by set, without the API.

The tenant is the same on every date: who owns a device changes now and then, so do prices, devices are replaced. A date
holds the same rows however many dates there are, so that two warehouses of different length give the same answers.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING

from chargeback.methods import Catalog
from chargeback.steps import build, derive
from chargeback.warehouse import scripts
from chargeback.warehouse.database import Database, execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

ORG_ID = "12345"
LAST_DATE = date(2026, 11, 24)
FIRST_DAY = date(2025, 1, 1)  # day 0 of all that changes over time
WORKERS = 2


def fill(database: Database, dates: int, rows: int) -> None:
    """Publish `rows` charges on each of the last `dates` dates up to LAST_DATE; the warehouse must be empty."""
    months: dict[date, list[date]] = defaultdict(list)
    for number in range(dates):
        night = LAST_DATE - timedelta(days=number)
        months[night.replace(day=1)].append(night)
    with database.transaction() as connection:
        derive.note_methods(connection, Catalog.read())
        for statement in (*_TENANT, *_DIMENSIONS):
            execute(connection, statement, rows=rows, org_id=ORG_ID, days=(LAST_DATE - FIRST_DAY).days)
        for night in (min(min(nights) for nights in months.values()), LAST_DATE):
            scripts.insert(connection, "mart/dim_dates.sql", "mart.dim_dates", _key(night), only_new=True)
    with ThreadPoolExecutor(max_workers=WORKERS) as threads:
        list(threads.map(lambda nights: _fill_month(database, sorted(nights)), months.values()))
    with database.session() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        execute(connection, "drop schema bench cascade")
        execute(connection, "vacuum")  # what autovacuum does between two nights
        execute(connection, "analyze ops.snapshots")


def _fill_month(database: Database, nights: Sequence[date]) -> None:
    """The charges first, then their indexes, then everything that is made from them."""
    with database.transaction() as connection:
        execute(connection, _BARE_PARTITION.format(month=f"{nights[0]:%Y_%m}"))
        for night in nights:
            execute(connection, _CHARGES.format(month=f"{night:%Y_%m}"), **_key(night))
        first = nights[0].replace(day=1)
        bounds = f"from ('{first}') to ('{(first + timedelta(days=31)).replace(day=1)}')"
        execute(connection, _ATTACHED.format(month=f"{first:%Y_%m}", bounds=bounds))
        scripts.analyze(connection, "mart.fct_chargeback", _key(first))
    with database.transaction() as connection:
        execute(connection, "select ops.ensure_partitions(%(load_id)s, %(snapshot_date)s)", **_key(nights[0]))
    for night in nights:
        with database.transaction() as connection:
            _publish(connection, night)
    with database.transaction() as connection:
        for table in build.LAYERS["mart"]:
            scripts.analyze(connection, f"mart.{table}", _key(nights[0]))


def _publish(connection: Connection, night: date) -> None:
    for statement in (_LOAD, _MACHINES, _HOSTS, _CLUSTERS, _POSITIONS):
        execute(connection, statement, **_key(night))
    scripts.insert(connection, "mart/fct_unit_totals.sql", "mart.fct_unit_totals", _key(night))
    execute(connection, _SNAPSHOT, **_key(night))


def _key(night: date) -> dict[str, object]:
    day = (night - FIRST_DAY).days
    return {"load_id": day, "snapshot_date": night, "org_id": ORG_ID, "day": day}


# Sizes follow the number of rows: 200 licenses, 20,000 devices, 10,000 users, 1,000 hosts, 80 clusters for 50,000.
_TENANT = (
    "create schema bench",
    # What owners may see is not asked for here.
    "alter table ops.snapshots disable trigger count_members",
    """
    create table bench.licenses as
    select
        number,
        (500000 + number)::text as license_id,
        'License ' || number as license_name,
        types.license_type,
        types.consumes_by,
        types.publisher,
        mart.version_key(%(org_id)s, (500000 + number)::text) as license_key,
        5 + number * 37 %% 400 as price
    from generate_series(1, greatest(%(rows)s / 250, 25)) as number
    inner join (
        values
        (0, 'Oracle Processor', 'device', 'Oracle'), (1, 'Microsoft Server Core', 'device', 'Microsoft'),
        (2, 'Named User', 'user', 'SAP'), (3, 'IBM PVU', 'device', 'IBM'), (4, 'Device', 'device', 'Adobe'),
        (5, 'SaaS User', 'user', 'Salesforce'), (6, 'Custom Metric', 'device', 'VMware'),
        (7, 'Microsoft User CAL', 'user', 'Microsoft')
    ) as types (type_number, license_type, consumes_by, publisher) on number %% 8 = type_number
    """,
    # Six divisions of eight departments of six cost centers; the two other trees are smaller.
    """
    create table bench.units as
    select
        hierarchy,
        path,
        mart.organization_unit_key(%(org_id)s, hierarchy, path) as unit_key
    from (
        select
            'cost_center' as hierarchy,
            format('Division %%s/Department %%s/CC-%%s', one, two, one * 100 + two * 10 + three) as path
        from generate_series(1, 6) as one, generate_series(1, 8) as two, generate_series(1, 6) as three
        union all
        select 'cost_center', 'Unassigned'
        union all
        select 'corporate_unit', format('Company %%s/Unit %%s', one, two)
        from generate_series(1, 4) as one, generate_series(1, 5) as two
        union all
        select 'location', format('Region %%s/Country %%s/City %%s', one, two, three)
        from generate_series(1, 3) as one, generate_series(1, 4) as two, generate_series(1, 3) as three
    ) as leaves
    """,
    """
    create table bench.trees as
    select
        array_agg(unit_key order by path) filter (where hierarchy = 'cost_center') as cost_centers,
        array_agg(unit_key order by path) filter (where hierarchy = 'corporate_unit') as corporate_units,
        array_agg(unit_key order by path) filter (where hierarchy = 'location') as locations
    from bench.units
    """,
    # A license is given to ever fewer consumers, from 7 percent of all rows down to a quarter of one percent.
    """
    create table bench.rows as
    select
        numbers.number,
        licenses.number as license_number,
        licenses.consumes_by,
        case
            when numbers.number = max(numbers.number) over (partition by licenses.number) then 0
            when licenses.consumes_by = 'user' then 1 + numbers.number::bigint * 7919 %% (%(rows)s / 5)
            else 1 + numbers.number::bigint * 7919 %% (%(rows)s * 2 / 5)
        end as consumer_number
    from generate_series(0, %(rows)s - 1) as numbers (number)
    cross join (select count(*) as license_count from bench.licenses) as licenses_counted
    inner join bench.licenses
        on licenses.number = 1 + floor(license_count * power(numbers.number::numeric / %(rows)s, 2))
    """,
    # A device or user is replaced after 2,000 days, ten a day; a license has one rest that names neither.
    """
    create table bench.consumers as
    select
        kinds.kind,
        number,
        generation,
        mart.version_key(%(org_id)s, kinds.kind, number::text, generation::text) as consumer_key,
        kinds.kind || '-' || number || '-' || generation as consumer_id
    from (values ('device', %(rows)s * 2 / 5), ('user', %(rows)s / 5)) as kinds (kind, size)
    cross join generate_series(0, greatest(kinds.size, 1)) as number
    cross join generate_series(0, 1) as generation
    where generation <= (%(days)s + number * 37 %% 2000) / 2000
    """,
    "create unique index on bench.consumers (kind, number, generation)",
    "analyze bench.rows",
    "analyze bench.consumers",
    "analyze bench.licenses",
    "analyze bench.units",
)
_DIMENSIONS = (
    """
    insert into mart.dim_publishers (publisher_key, org_id, publisher)
    select distinct mart.publisher_key(%(org_id)s, publisher), %(org_id)s, publisher
    from bench.licenses
    """,
    """
    insert into mart.dim_products (product_key, org_id, publisher_key, product_name, publisher)
    select
        mart.product_key(%(org_id)s, publisher, license_name, null, null), %(org_id)s,
        mart.publisher_key(%(org_id)s, publisher), license_name, publisher
    from bench.licenses
    """,
    """
    insert into mart.dim_licenses (
        license_key, org_id, license_id, license_name, license_type, publisher, publisher_key, product_key
    )
    select
        license_key, %(org_id)s, license_id, license_name, license_type, publisher,
        mart.publisher_key(%(org_id)s, publisher), mart.product_key(%(org_id)s, publisher, license_name, null, null)
    from bench.licenses
    """,
    """
    insert into mart.dim_consumers (
        consumer_key, org_id, consumer_type, consumer_identity, device_id, device_name, device_type, user_id, user_name
    )
    select
        consumer_key, %(org_id)s, case when number = 0 then 'unallocated' else kind end, 'id:' || consumer_id,
        case when kind = 'device' and number > 0 then consumer_id end,
        case when kind = 'device' and number > 0 then 'srv' || left(md5(consumer_id), 6) || '.example.com' end,
        case when kind = 'device' and number > 0 then
            case when number %% 5 < 3 then 'Virtual Machine' else 'Computer' end
        end,
        case when kind = 'user' and number > 0 then consumer_id end,
        case when kind = 'user' and number > 0 then 'User ' || number end
    from bench.consumers
    """,
    """
    insert into mart.dim_hosts (host_key, org_id, host_identity, host_id, host_name)
    select
        mart.version_key(%(org_id)s, 'host', number::text), %(org_id)s,
        'id:h' || number, 'h' || number, 'host-' || number
    from generate_series(0, greatest(%(rows)s / 50, 1)) as number
    """,
    """
    insert into mart.dim_clusters (cluster_key, org_id, cluster_identity, cluster_name)
    select
        mart.version_key(%(org_id)s, 'cluster', number::text), %(org_id)s,
        'name:cluster-' || number, 'cluster-' || number
    from generate_series(0, greatest(%(rows)s / 600, 1)) as number
    """,
    """
    insert into mart.dim_organization_units (
        unit_key, parent_key, org_id, hierarchy, path, name, parent_path, depth, level_1, level_2, level_3
    )
    select
        mart.organization_unit_key(%(org_id)s, hierarchy, array_to_string(names, '/')),
        case
            when cardinality(names) > 1 then mart.organization_unit_key(
                %(org_id)s, hierarchy, array_to_string(names[:cardinality(names) - 1], '/')
            )
        end,
        %(org_id)s, hierarchy,
        array_to_string(names, '/'), names[cardinality(names)],
        nullif(array_to_string(names[:cardinality(names) - 1], '/'), ''), cardinality(names) - 1,
        names[1], names[2], names[3]
    from (
        select distinct units.hierarchy, (string_to_array(units.path, '/'))[:depths.depth] as names
        from bench.units
        cross join generate_series(1, 3) as depths (depth)
        where depths.depth <= cardinality(string_to_array(units.path, '/'))
    ) as nodes
    """,
    """
    create table bench.hosts as
    select
        number,
        mart.version_key(%(org_id)s, 'host', number::text) as host_key,
        mart.version_key(%(org_id)s, 'cluster', (number / 12)::text) as cluster_key
    from generate_series(0, greatest(%(rows)s / 50, 1)) as number
    """,
    "analyze bench.hosts",
    "analyze mart.dim_organization_units",
)
_BARE_PARTITION = """
create table mart.fct_chargeback_{month}
(like mart.fct_chargeback including defaults including constraints including generated including storage)
"""
_ATTACHED = """
alter table mart.fct_chargeback attach partition mart.fct_chargeback_{month} for values {bounds}
"""
# An owner keeps a consumer for 300 days; a price rises by 3 percent in 180 days; quantities move from month to month.
_CHARGES = """
insert into mart.fct_chargeback_{month} (
    load_id, snapshot_date, org_id, license_key, consumer_key, host_key, cluster_key, location_key, cost_center_key,
    corporate_unit_key, license_id, cores, host_installed_cores, host_consuming_cores, cluster_installed_cores,
    cluster_consuming_cores, consuming_installations, machine_consumption, host_consumption, cost_per_right,
    recharged_consumption, recharged_cost, currency, recharge_approach, line_count, derived_consumption, derived_cost,
    method_id, is_reconciled, derived_weight, derived_weight_total, derived_parent_id, derived_parent_consumption,
    is_carried_forward
)
select
    %(load_id)s, %(snapshot_date)s, %(org_id)s, licenses.license_key, consumers.consumer_key,
    hosts.host_key, hosts.cluster_key, trees.locations[1 + rows.consumer_number %% cardinality(trees.locations)],
    trees.cost_centers[1 + figures.owner %% cardinality(trees.cost_centers)],
    trees.corporate_units[1 + figures.owner %% cardinality(trees.corporate_units)],
    licenses.license_id, figures.cores, 32, 16, 384, 192, 1, figures.quantity, 16, figures.price,
    figures.quantity, round(figures.quantity * figures.price, 2), 'EUR', 'By consumption', 1, figures.quantity,
    round(figures.quantity * figures.price, 2), methods.method_id, true, figures.cores, 192, 'license',
    figures.quantity * 12, false
from bench.rows
inner join bench.licenses on rows.license_number = licenses.number
inner join bench.consumers
    on
        rows.consumes_by = consumers.kind
        and rows.consumer_number = consumers.number
        and (%(day)s + rows.consumer_number * 37 %% 2000) / 2000 = consumers.generation
left join bench.hosts
    on
        rows.consumes_by = 'device'
        and rows.consumer_number %% 5 < 3
        and rows.consumer_number > 0
        and rows.consumer_number * 31 %% (select count(*) from bench.hosts) = hosts.number
cross join lateral (
    select
        1 + rows.consumer_number %% 8 as cores,
        (1 + rows.consumer_number %% 8)
        * round((4 + ((%(day)s + rows.number * 13) / 30 + rows.number) %% 3) / 8.0, 3) as quantity,
        round(licenses.price * (1 + 0.03 * ((%(day)s + licenses.number * 11) / 180)), 2) as price,
        (rows.consumer_number * 17 + (%(day)s + rows.consumer_number * 7 %% 300) / 300) as owner
) as figures
cross join bench.trees
cross join (select min(method_id) as method_id from mart.recharge_methods where family = 'host_cores') as methods
order by rows.number
"""
_LOAD = """
insert into ops.loads (
    load_id, org_id, snapshot_date, source, pages_load_id, status, license_count, row_count, recharged_cost,
    started_at, published_at, levels_dropped_at
)
overriding system value
select
    %(load_id)s, %(org_id)s, %(snapshot_date)s, 'api', %(load_id)s, 'published', count(distinct license_key), count(*),
    sum(recharged_cost), %(snapshot_date)s::timestamptz, %(snapshot_date)s::timestamptz, %(snapshot_date)s::timestamptz
from mart.fct_chargeback
where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
"""
_SNAPSHOT = """
insert into ops.snapshots (org_id, snapshot_date, load_id) values (%(org_id)s, %(snapshot_date)s, %(load_id)s)
"""
_MACHINES = """
insert into mart.fct_vm_consumption (
    load_id, snapshot_date, org_id, license_key, consumer_key, host_key, cluster_key, license_id, installed_cores,
    consumption, recharged_consumption, recharged_cost
)
select
    load_id, snapshot_date, org_id, license_key, consumer_key, host_key, cluster_key, license_id, cores,
    machine_consumption, recharged_consumption, recharged_cost
from mart.fct_chargeback
where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s and host_key is not null
"""
_HOSTS = """
insert into mart.fct_host_consumption (
    load_id, snapshot_date, org_id, license_key, host_key, cluster_key, license_id, installed_cores, consuming_cores,
    vm_count, consumption, recharged_consumption, recharged_cost
)
select
    load_id, snapshot_date, org_id, license_key, host_key, cluster_key, license_id, max(host_installed_cores),
    max(host_consuming_cores), count(*), max(host_consumption), sum(recharged_consumption), sum(recharged_cost)
from mart.fct_chargeback
where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s and host_key is not null
group by load_id, snapshot_date, org_id, license_key, host_key, cluster_key, license_id
"""
_CLUSTERS = """
insert into mart.fct_cluster_consumption (
    load_id, snapshot_date, org_id, license_key, cluster_key, license_id, installed_cores, consuming_cores,
    vm_count, host_count, consumption, recharged_consumption, recharged_cost
)
select
    load_id, snapshot_date, org_id, license_key, cluster_key, license_id, sum(installed_cores), sum(consuming_cores),
    sum(vm_count), count(*), sum(consumption), sum(recharged_consumption), sum(recharged_cost)
from mart.fct_host_consumption
where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
group by load_id, snapshot_date, org_id, license_key, cluster_key, license_id
"""
# The last license holds a little that nobody is charged for, so that there is a residue to look for.
_POSITIONS = """
insert into mart.fct_license_positions (
    load_id, snapshot_date, org_id, license_key, license_id, purchased, consumed, machine_consumption,
    recharged_consumption, recharged_cost, residue, residue_reason, row_count, page_count, status
)
select
    load_id, snapshot_date, org_id, license_key, license_id, round(consumed * 1.1), consumed, quantity, quantity, cost,
    consumed - quantity, case when consumed <> quantity then 'owner_unallocated' end, row_count, 1, 'loaded'
from (
    select
        load_id, snapshot_date, org_id, license_key, license_id, count(*) as row_count,
        sum(recharged_consumption) as quantity, sum(recharged_cost) as cost,
        sum(recharged_consumption) + license_id::bigint %% 3 as consumed
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by load_id, snapshot_date, org_id, license_key, license_id
) as totals
"""
