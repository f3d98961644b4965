-- severity: fail
-- dimension: change
-- The tenant has not lost more of its licenses, nor the licenses of their rows, than the run allows since its
-- last snapshot: an account that lost rights gets fewer rows, and no error. A loss of a single license or of
-- fewer than ten rows is left alone, or a small tenant could not lose anything.
with

allowed as (
    select
        allowed_shrink_percent,
        1 - allowed_shrink_percent / 100 as kept_share
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
),

licenses_then as (
    select load_licenses.license_id
    from ops.load_licenses
    inner join last_snapshot on load_licenses.load_id = last_snapshot.load_id
),

licenses_now as (
    select
        load_licenses.license_id,
        load_licenses.is_selected and extractions.extraction_id is not null as is_read,
        case extractions.status when 'complete' then extractions.row_count else 0 end as row_count
    from ops.load_licenses
    left join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
    where load_licenses.load_id = %(load_id)s
),

-- What both know: the rows of a license that was not read this time say nothing.
rows_of_licenses as (
    select
        positions.row_count as row_count_then,
        coalesce(licenses_now.row_count, 0) as row_count_now
    from mart.fct_license_positions as positions
    inner join last_snapshot
        on
            positions.load_id = last_snapshot.load_id
            and positions.snapshot_date = last_snapshot.snapshot_date
    left join licenses_now on positions.license_id = licenses_now.license_id
    where licenses_now.license_id is null or licenses_now.is_read
),

measures as (
    select
        'licenses' as measure,
        2 as least_loss,
        (select count(*) from licenses_then) as count_then,
        (
            select count(*)
            from licenses_now
            inner join licenses_then on licenses_now.license_id = licenses_then.license_id
        ) as count_now
    union all
    select
        'rows' as measure,
        10 as least_loss,
        coalesce(sum(row_count_then), 0) as count_then,
        coalesce(sum(row_count_now), 0) as count_now
    from rows_of_licenses
)

select
    'all' as license_id,
    'at least ' || ceil(measures.count_then * allowed.kept_share) || ' of the ' || measures.count_then || ' '
    || measures.measure || ' of snapshot ' || last_snapshot.snapshot_date as expected,
    measures.count_now || ' of them. Ask whether the service account lost rights; if the tenant really '
    || 'shrank, trigger this date again with source raw and allowed_shrink_percent '
    || ceil(100 - 100.0 * measures.count_now / measures.count_then) as found
from measures
cross join allowed
cross join last_snapshot
where
    measures.count_now < measures.count_then * allowed.kept_share
    and measures.count_then - measures.count_now >= measures.least_loss
