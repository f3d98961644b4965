-- severity: fail
-- dimension: conservation
-- L6: each node of each tree owns what its consumers are recharged, and its total is that and the totals of
-- the nodes right below it. So the roots add up to what the license recharges.
with

owned as (
    select
        facts.license_id,
        units.unit_key,
        coalesce(sum(facts.recharged_consumption), 0) as consumption,
        coalesce(sum(facts.recharged_cost), 0) as cost
    from mart.fct_chargeback as facts
    cross join
        lateral (
            values
            (facts.location_key),
            (facts.cost_center_key),
            (facts.corporate_unit_key)
        ) as units (unit_key)
    where facts.load_id = %(load_id)s and facts.snapshot_date = %(snapshot_date)s
    group by
        facts.license_id,
        units.unit_key
),

nodes as (
    select
        totals.license_id,
        totals.unit_key,
        units.parent_key,
        totals.own_consumption,
        totals.own_cost,
        totals.total_consumption,
        totals.total_cost
    from mart.fct_unit_totals as totals
    inner join mart.dim_organization_units as units on totals.unit_key = units.unit_key
    where totals.load_id = %(load_id)s and totals.snapshot_date = %(snapshot_date)s
),

below as (
    select
        license_id,
        parent_key as unit_key,
        sum(total_consumption) as consumption,
        sum(total_cost) as cost
    from nodes
    where parent_key is not null
    group by
        license_id,
        parent_key
),

expected as (
    select
        coalesce(owned.license_id, below.license_id) as license_id,
        coalesce(owned.unit_key, below.unit_key) as unit_key,
        coalesce(owned.consumption, 0) as own_consumption,
        coalesce(owned.cost, 0) as own_cost,
        coalesce(owned.consumption, 0) + coalesce(below.consumption, 0) as total_consumption,
        coalesce(owned.cost, 0) + coalesce(below.cost, 0) as total_cost
    from owned
    full outer join below
        on
            owned.license_id = below.license_id
            and owned.unit_key = below.unit_key
)

select
    coalesce(expected.license_id, nodes.license_id) as license_id,
    units.hierarchy,
    units.path as node,
    coalesce(
        expected.own_consumption || ' for ' || expected.own_cost || ', with all below '
        || expected.total_consumption || ' for ' || expected.total_cost,
        'no such node'
    ) as expected,
    coalesce(
        nodes.own_consumption || ' for ' || nodes.own_cost || ', with all below '
        || nodes.total_consumption || ' for ' || nodes.total_cost,
        'no such node'
    ) as found
from expected
full outer join nodes
    on
        expected.license_id = nodes.license_id
        and expected.unit_key = nodes.unit_key
left join mart.dim_organization_units as units on coalesce(expected.unit_key, nodes.unit_key) = units.unit_key
where
    expected.unit_key is null
    or nodes.unit_key is null
    or expected.own_consumption <> nodes.own_consumption
    or expected.own_cost <> nodes.own_cost
    or expected.total_consumption <> nodes.total_consumption
    or expected.total_cost <> nodes.total_cost
order by
    coalesce(expected.license_id, nodes.license_id),
    units.hierarchy,
    units.path
