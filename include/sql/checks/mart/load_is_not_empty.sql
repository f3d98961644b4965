-- severity: fail
-- dimension: completeness
-- A load holds a position for every license it was asked for or took over, and was asked for some.
with

taken_over as (
    select license_id from ops.taken_over_licenses
    where load_id = %(load_id)s
),

wanted as (
    select license_id from ops.load_licenses
    where
        load_id = %(load_id)s
        and (is_selected or license_id in (select taken_over.license_id from taken_over))
)

select
    wanted.license_id,
    'a position' as expected,
    'none' as found
from wanted
left join mart.fct_license_positions
    on
        wanted.license_id = fct_license_positions.license_id
        and fct_license_positions.load_id = %(load_id)s
        and fct_license_positions.snapshot_date = %(snapshot_date)s
where fct_license_positions.license_id is null
union all
select
    'all' as license_id,
    'at least one license' as expected,
    'no license selected or taken over' as found
where not exists (select 1 from wanted)
