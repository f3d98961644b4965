-- severity: fail
-- dimension: conservation
-- L6: what a node of a tree owns is what its consumers are charged, and its total is that and the totals
-- right below it; so the roots of each tree add up to what the license recharges.
with

charges as (
    select
        fct_chargeback.license_id,
        keys.hierarchy,
        keys.unit_key,
        coalesce(sum(fct_chargeback.recharged_consumption), 0) as consumption,
        coalesce(sum(fct_chargeback.recharged_cost), 0) as cost
    from mart.fct_chargeback
    cross join
        lateral (
            values
            ('location', fct_chargeback.location_key),
            ('cost_center', fct_chargeback.cost_center_key),
            ('corporate_unit', fct_chargeback.corporate_unit_key)
        ) as keys (hierarchy, unit_key)
    where fct_chargeback.load_id = %(load_id)s and fct_chargeback.snapshot_date = %(snapshot_date)s
    group by
        fct_chargeback.license_id,
        keys.hierarchy,
        keys.unit_key
),

nodes as (
    select
        fct_unit_totals.hierarchy,
        fct_unit_totals.license_id,
        fct_unit_totals.unit_key,
        fct_unit_totals.own_consumption,
        fct_unit_totals.own_cost,
        fct_unit_totals.total_consumption,
        fct_unit_totals.total_cost,
        dim_organization_units.parent_key
    from mart.fct_unit_totals
    left join mart.dim_organization_units
        on
            fct_unit_totals.unit_key = dim_organization_units.unit_key
            and fct_unit_totals.hierarchy = dim_organization_units.hierarchy
    where fct_unit_totals.load_id = %(load_id)s and fct_unit_totals.snapshot_date = %(snapshot_date)s
),

below as (
    select
        hierarchy,
        license_id,
        parent_key,
        sum(total_consumption) as consumption,
        sum(total_cost) as cost
    from nodes
    where parent_key is not null
    group by
        hierarchy,
        license_id,
        parent_key
),

-- What must be, beside what is: a node for each owner and for whatever stands above a node, and no other.
due as (
    select
        coalesce(charges.hierarchy, below.hierarchy) as hierarchy,
        coalesce(charges.license_id, below.license_id) as license_id,
        coalesce(charges.unit_key, below.parent_key) as unit_key,
        coalesce(charges.consumption, 0) as own_consumption,
        coalesce(charges.cost, 0) as own_cost,
        coalesce(charges.consumption, 0) + coalesce(below.consumption, 0) as total_consumption,
        coalesce(charges.cost, 0) + coalesce(below.cost, 0) as total_cost
    from charges
    full outer join below
        on
            charges.hierarchy = below.hierarchy
            and charges.license_id = below.license_id
            and charges.unit_key = below.parent_key
),

compared as (
    select
        coalesce(due.license_id, nodes.license_id) as license_id,
        coalesce(due.hierarchy, nodes.hierarchy) as hierarchy,
        coalesce(due.unit_key, nodes.unit_key) as unit_key,
        'own ' || due.own_consumption || ' for ' || due.own_cost || ', total ' || due.total_consumption
        || ' for ' || due.total_cost as expected,
        'own ' || nodes.own_consumption || ' for ' || nodes.own_cost || ', total ' || nodes.total_consumption
        || ' for ' || nodes.total_cost as found
    from due
    full outer join nodes
        on
            due.hierarchy = nodes.hierarchy
            and due.license_id = nodes.license_id
            and due.unit_key = nodes.unit_key
    where
        due.unit_key is null
        or nodes.unit_key is null
        or due.own_consumption <> nodes.own_consumption
        or due.own_cost <> nodes.own_cost
        or due.total_consumption <> nodes.total_consumption
        or due.total_cost <> nodes.total_cost
)

select
    compared.license_id,
    compared.hierarchy,
    coalesce(units.path, 'key ' || compared.unit_key) as node,
    coalesce(compared.expected, 'no such node') as expected,
    coalesce(compared.found, 'no such node') as found
from compared
left join mart.dim_organization_units as units
    on compared.unit_key = units.unit_key and compared.hierarchy = units.hierarchy
order by
    compared.license_id,
    compared.hierarchy,
    units.depth,
    node
