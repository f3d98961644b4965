-- severity: fail
-- dimension: conservation
-- A license's position repeats the sum of its charges, and its residue is what they leave of its consumption.
with

facts as (
    select
        license_id,
        coalesce(sum(recharged_consumption), 0) as recharged_consumption,
        coalesce(sum(recharged_cost), 0) as recharged_cost
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by license_id
),

positions as (
    select * from mart.fct_license_positions
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
)

select
    coalesce(positions.license_id, facts.license_id) as license_id,
    coalesce(facts.recharged_consumption, 0) || ' for ' || coalesce(facts.recharged_cost, 0)
    || ', residue '
    || coalesce((positions.consumed - coalesce(facts.recharged_consumption, 0))::text, 'unknown')
        as expected,
    coalesce(
        positions.recharged_consumption || ' for ' || positions.recharged_cost
        || ', residue ' || coalesce(positions.residue::text, 'unknown'),
        'no position'
    ) as found
from positions
full outer join facts on positions.license_id = facts.license_id
where
    positions.license_id is null
    or positions.recharged_consumption <> coalesce(facts.recharged_consumption, 0)
    or positions.recharged_cost <> coalesce(facts.recharged_cost, 0)
    or positions.residue is distinct from positions.consumed - coalesce(facts.recharged_consumption, 0)
