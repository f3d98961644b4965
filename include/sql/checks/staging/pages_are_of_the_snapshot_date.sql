-- severity: warn
-- dimension: freshness
-- Every page was received on the snapshot's date, or within page_age_days of mart.check_limits: an older or a
-- later page shows the license as it was on another day.
select
    load_licenses.license_id,
    load_licenses.license_name,
    'pages of about ' || %(snapshot_date)s::date as expected,
    'received from ' || (pages.first_at at time zone 'UTC')::date || ' to '
    || (pages.last_at at time zone 'UTC')::date as found
from ops.load_licenses
inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
inner join mart.check_limits on check_limits.limit_name = 'page_age_days'
cross join
    lateral (
        select
            min(consumption_pages.received_at) as first_at,
            max(consumption_pages.received_at) as last_at
        from staging.consumption_pages
        where
            consumption_pages.load_id = extractions.load_id
            and consumption_pages.extraction_id = extractions.extraction_id
            and consumption_pages.license_id = extractions.license_id
    ) as pages
where
    load_licenses.load_id = %(load_id)s
    and (
        (pages.first_at at time zone 'UTC')::date
        < %(snapshot_date)s::date - check_limits.limit_value::integer
        or (pages.last_at at time zone 'UTC')::date
        > %(snapshot_date)s::date + check_limits.limit_value::integer
    )
order by load_licenses.position
