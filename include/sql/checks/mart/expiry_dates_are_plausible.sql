-- severity: warn
-- dimension: accepted values
-- A license ends after 1990 and within fifty years, or in the year 9999, which says never: else it is a slip.
select
    dim_licenses.license_id,
    dim_licenses.license_name,
    'from 1990 to fifty years from now, or 9999' as expected,
    dim_licenses.expires_on as found
from mart.fct_license_positions as positions
inner join mart.dim_licenses on positions.license_key = dim_licenses.license_key
where
    positions.load_id = %(load_id)s
    and positions.snapshot_date = %(snapshot_date)s
    and dim_licenses.expires_on < '9999-01-01'
    and dim_licenses.expires_on not between '1990-01-01' and positions.snapshot_date + interval '50 years'
order by dim_licenses.license_id
