-- severity: fail
-- A load holds a position for every license it was asked for or took over; it is never content with empty
-- tables.
with

wanted as (
    select load_licenses.license_id
    from ops.load_licenses
    left join ops.taken_over_licenses
        on
            load_licenses.load_id = taken_over_licenses.load_id
            and load_licenses.license_id = taken_over_licenses.license_id
    where
        load_licenses.load_id = %(load_id)s
        and (load_licenses.is_selected or taken_over_licenses.license_id is not null)
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
