-- severity: fail
-- dimension: completeness
-- At most half of what a tenant consumes has no row at all. Licenses whose type may have none
-- (mart.license_types.expects_rows) and deleted ones do not count. It is measured twice, because units of
-- different licenses do not compare: in consumption, so that many small licenses do not hide a large one,
-- and in licenses, one each, so that a license in small units, such as PVUs, does not hide the others.
with

positions as (
    select
        positions.license_id,
        coalesce(dim_licenses.license_name, 'license ' || positions.license_id) as license_name,
        positions.consumed,
        positions.row_count = 0 as is_without_rows
    from mart.fct_license_positions as positions
    inner join mart.dim_licenses on positions.license_key = dim_licenses.license_key
    left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
    where
        positions.load_id = %(load_id)s
        and positions.snapshot_date = %(snapshot_date)s
        and positions.consumed > 0
        and positions.status <> 'deleted'
        and coalesce(license_types.expects_rows, true)
),

ranked as (
    select
        *,
        row_number() over (order by is_without_rows desc, consumed desc, license_id asc) as place
    from positions
),

totals as (
    select
        max(license_id) filter (where place = 1) as license_id,
        count(*) as license_count,
        count(*) filter (where is_without_rows) as license_count_without,
        sum(consumed) as consumption,
        coalesce(sum(consumed) filter (where is_without_rows), 0) as consumption_without,
        string_agg(left(license_name, 60) || ' (' || trim_scale(consumed) || ')', ', ' order by place)
        filter (where is_without_rows and place <= 5) as licenses
    from ranked
),

shares as (
    select
        *,
        100 * greatest(
            license_count_without / license_count::numeric, consumption_without / consumption
        ) as percent
    from totals
    where license_count > 0
)

select
    shares.license_id,
    'rows for ' || shares.license_count || ' licenses that consume ' || trim_scale(shares.consumption)
        as expected,
    'none for ' || shares.license_count_without || ' of them that consume '
    || trim_scale(shares.consumption_without) || ': ' || shares.licenses
    || '. Ask whether the service account may read consumption; if they really have no rows, set '
    || 'expects_rows of their types to false in mart.license_types, or trigger this date again with '
    || 'source raw and allowed_gap_percent ' || ceil(shares.percent) as found
from shares
cross join ops.loads
where
    loads.load_id = %(load_id)s
    and shares.percent > greatest(loads.allowed_gap_percent, 50)
