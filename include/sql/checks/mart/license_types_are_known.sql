-- severity: warn
-- dimension: accepted values
-- Every license type is one of mart.license_types: for another, nobody said who consumes it, and the device
-- is charged.
select
    dim_licenses.license_id,
    dim_licenses.license_name,
    'a type of mart.license_types' as expected,
    dim_licenses.license_type as found
from mart.fct_license_positions as positions
inner join mart.dim_licenses on positions.license_key = dim_licenses.license_key
left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
where
    positions.load_id = %(load_id)s
    and positions.snapshot_date = %(snapshot_date)s
    and dim_licenses.license_type is not null
    and license_types.license_type is null
order by dim_licenses.license_id
