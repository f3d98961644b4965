-- severity: fail
-- dimension: completeness
-- Every license the run wants was read to its last page, or is known to be deleted; where the run may keep
-- previous figures (on_license_failure), a published snapshot that holds the license will do.
with

taken_over as (
    select license_id from ops.taken_over_licenses
    where load_id = %(load_id)s
)

select
    load_licenses.license_id,
    load_licenses.license_name,
    case loads.on_license_failure
        when 'fail' then 'every page read'
        else 'every page read, or an earlier published snapshot that holds the license'
    end as expected,
    coalesce(last_attempt.status || ': ' || coalesce(last_attempt.error, 'no reason given'), 'never read')
        as found
from ops.load_licenses
inner join ops.loads on load_licenses.load_id = loads.load_id
left join ops.extractions
    on
        load_licenses.extraction_id = extractions.extraction_id
        and load_licenses.license_id = extractions.license_id
        and extractions.status in ('complete', 'deleted')
left join lateral (
    select
        attempts.status,
        attempts.error
    from ops.extractions as attempts
    where
        attempts.load_id = %(pages_load_id)s
        and attempts.license_id = load_licenses.license_id
    order by attempts.attempt desc
    limit 1
) as last_attempt on true
where
    load_licenses.load_id = %(load_id)s
    and load_licenses.is_selected
    and extractions.extraction_id is null
    and load_licenses.license_id not in (select taken_over.license_id from taken_over)
order by load_licenses.position
