-- severity: fail
-- dimension: conservation
-- L6: the roots of each tree add up to what the license recharges, and so do the nodes' own figures.
with

hierarchies as (
    select hierarchy
    from (values ('cost_center'), ('corporate_unit'), ('location')) as names (hierarchy)
),

facts as (
    select
        license_id,
        coalesce(sum(recharged_consumption), 0) as consumption,
        coalesce(sum(recharged_cost), 0) as cost
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by license_id
),

trees as (
    select
        fct_unit_totals.hierarchy,
        fct_unit_totals.license_id,
        sum(fct_unit_totals.own_consumption) as own_consumption,
        sum(fct_unit_totals.own_cost) as own_cost,
        sum(fct_unit_totals.total_consumption) filter (where dim_organization_units.depth = 0)
            as root_consumption,
        sum(fct_unit_totals.total_cost) filter (where dim_organization_units.depth = 0) as root_cost
    from mart.fct_unit_totals
    inner join mart.dim_organization_units on fct_unit_totals.unit_key = dim_organization_units.unit_key
    where fct_unit_totals.load_id = %(load_id)s and fct_unit_totals.snapshot_date = %(snapshot_date)s
    group by
        fct_unit_totals.hierarchy,
        fct_unit_totals.license_id
)

select
    coalesce(facts.license_id, trees.license_id) as license_id,
    coalesce(hierarchies.hierarchy, trees.hierarchy) as hierarchy,
    coalesce(facts.consumption, 0) || ' for ' || coalesce(facts.cost, 0) as expected,
    'roots ' || coalesce(trees.root_consumption, 0) || ' for ' || coalesce(trees.root_cost, 0)
    || ', nodes ' || coalesce(trees.own_consumption, 0) || ' for ' || coalesce(trees.own_cost, 0) as found
from facts
cross join hierarchies
full outer join trees
    on
        facts.license_id = trees.license_id
        and hierarchies.hierarchy = trees.hierarchy
where
    facts.license_id is null
    or trees.license_id is null
    or facts.consumption <> trees.root_consumption
    or facts.cost <> trees.root_cost
    or facts.consumption <> trees.own_consumption
    or facts.cost <> trees.own_cost
