-- severity: warn
-- dimension: change
-- No single license has lost more of its rows than the run allows for the tenant since its last snapshot.
with

allowed as (
    select 1 - allowed_shrink_percent / 100 as kept_share
    from ops.loads
    where load_id = %(load_id)s
),

last_snapshot as (
    select
        load_id,
        snapshot_date
    from ops.snapshots
    where org_id = %(org_id)s and snapshot_date <= %(snapshot_date)s
    order by snapshot_date desc
    limit 1
)

select
    load_licenses.license_id,
    load_licenses.license_name,
    positions.row_count || ' rows, as in snapshot ' || last_snapshot.snapshot_date as expected,
    extractions.row_count || ' rows' as found
from ops.load_licenses
inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
cross join allowed
cross join last_snapshot
inner join mart.fct_license_positions as positions
    on
        last_snapshot.load_id = positions.load_id
        and last_snapshot.snapshot_date = positions.snapshot_date
        and load_licenses.license_id = positions.license_id
where
    load_licenses.load_id = %(load_id)s
    and load_licenses.is_selected
    and extractions.row_count < positions.row_count * allowed.kept_share
    and positions.row_count - extractions.row_count >= 10
order by load_licenses.position
