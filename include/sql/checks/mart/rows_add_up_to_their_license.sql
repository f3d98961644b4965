-- severity: warn
-- dimension: conservation
-- What the rows of a license are recharged adds up to what it consumes, or there is a known reason why not.
select
    dim_licenses.license_id,
    dim_licenses.license_name,
    positions.consumed || ' consumed by the license' as expected,
    positions.recharged_consumption || ' recharged to its ' || positions.row_count || ' rows' as found
from mart.fct_license_positions as positions
inner join mart.dim_licenses on positions.license_key = dim_licenses.license_key
where
    positions.load_id = %(load_id)s
    and positions.snapshot_date = %(snapshot_date)s
    and positions.residue_reason = 'unexplained'
order by abs(positions.residue) desc, dim_licenses.license_id
