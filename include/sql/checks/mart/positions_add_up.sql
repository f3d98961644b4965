-- severity: fail
-- dimension: conservation
-- A license's position repeats the sum of its charges and what Flexera says it consumes, and its residue is
-- what the former leave of the latter.
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
),

-- As the list of licenses says; those taken over keep what they consumed.
listed as (
    select
        license_id,
        consumed
    from intermediate.int_license_versions
    where
        load_id = %(load_id)s
        and license_id not in (
            select taken_over_licenses.license_id from ops.taken_over_licenses
            where taken_over_licenses.load_id = %(load_id)s
        )
)

select
    coalesce(positions.license_id, facts.license_id) as license_id,
    coalesce(facts.recharged_consumption, 0) || ' for ' || coalesce(facts.recharged_cost, 0)
    || ', residue '
    || coalesce(
        (coalesce(listed.consumed, positions.consumed) - coalesce(facts.recharged_consumption, 0))::text,
        'unknown'
    ) as expected,
    coalesce(
        positions.recharged_consumption || ' for ' || positions.recharged_cost
        || ', residue ' || coalesce(positions.residue::text, 'unknown'),
        'no position'
    ) as found
from positions
full outer join facts on positions.license_id = facts.license_id
left join listed on positions.license_id = listed.license_id
where
    positions.license_id is null
    or positions.recharged_consumption <> coalesce(facts.recharged_consumption, 0)
    or positions.recharged_cost <> coalesce(facts.recharged_cost, 0)
    or positions.residue is distinct from positions.consumed - coalesce(facts.recharged_consumption, 0)
    or (listed.license_id is not null and positions.consumed is distinct from listed.consumed)
