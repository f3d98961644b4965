-- severity: fail
-- dimension: accepted values
-- No figure of bi has more than 16 digits before the point or 12 after it: clients of bi read no more.
-- Figures of the API are bounded where they are read, sums and shares here.
with

charges as (
    select
        license_id,
        array[
            recharged_consumption, recharged_cost, derived_consumption, derived_cost, delta,
            machine_consumption, consuming_installations
        ] as figures
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

sums as (
    select
        license_id,
        array[own_consumption, own_cost, total_consumption, total_cost] as figures
    from mart.fct_unit_totals
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        license_id,
        array[
            purchased, consumed, machine_consumption, recharged_consumption, recharged_cost, residue
        ] as figures
    from mart.fct_license_positions
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        license_id,
        array[consumption, recharged_consumption, recharged_cost] as figures
    from mart.fct_host_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        license_id,
        array[consumption, recharged_consumption, recharged_cost] as figures
    from mart.fct_cluster_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

shown as (
    select * from charges
    union all
    select * from sums
)

select
    shown.license_id,
    'at most 16 digits before the point and 12 after it' as expected,
    min(figure.value)::text || ' and ' || (count(*) - 1)::text || ' more' as found
from shown
cross join lateral unnest(shown.figures) as figure (value)
where abs(figure.value) >= 1e16 or min_scale(figure.value) > 12
group by shown.license_id
order by shown.license_id
