-- One row per license and node of each tree (cost center, corporate unit, location), parents included.
-- A node owns what its consumers owe; its total adds all nodes below it.
with

charges as (
    select * from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

owners as (
    select
        license_key,
        license_id,
        location_key,
        cost_center_key,
        corporate_unit_key,
        coalesce(sum(recharged_consumption), 0) as own_consumption,
        coalesce(sum(recharged_cost), 0) as own_cost,
        min(currency) as currency
    from charges
    group by
        license_key,
        license_id,
        location_key,
        cost_center_key,
        corporate_unit_key
),

leaves as (
    select
        owners.license_key,
        owners.license_id,
        units.unit_key,
        sum(owners.own_consumption) as own_consumption,
        sum(owners.own_cost) as own_cost,
        min(owners.currency) as currency
    from owners
    cross join
        lateral (
            values
            (owners.location_key),
            (owners.cost_center_key),
            (owners.corporate_unit_key)
        ) as units (unit_key)
    group by owners.license_key, owners.license_id, units.unit_key
),

units as (
    select
        unit_key,
        hierarchy,
        mart.path_names(path) as names
    from mart.dim_organization_units
    where org_id = %(org_id)s
),

lineages as (
    select
        units.unit_key,
        units.hierarchy,
        mart.organization_unit_key(
            %(org_id)s, units.hierarchy, array_to_string(units.names[1:depths.depth], '/')
        ) as ancestor_key
    from units
    cross join lateral generate_series(1, cardinality(units.names)) as depths (depth)
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    lineages.hierarchy,
    leaves.license_key,
    lineages.ancestor_key as unit_key,
    leaves.license_id,
    coalesce(sum(leaves.own_consumption) filter (where leaves.unit_key = lineages.ancestor_key), 0)
        as own_consumption,
    coalesce(sum(leaves.own_cost) filter (where leaves.unit_key = lineages.ancestor_key), 0) as own_cost,
    sum(leaves.own_consumption) as total_consumption,
    sum(leaves.own_cost) as total_cost,
    min(leaves.currency) as currency
from leaves
inner join lineages on leaves.unit_key = lineages.unit_key
group by
    lineages.hierarchy,
    leaves.license_key,
    lineages.ancestor_key,
    leaves.license_id
