-- severity: warn
-- dimension: conservation
-- L3: what the rows of a license are recharged adds up to what it consumes, or there is a known reason.
-- A reason that the license type bounds (a peak, in percent of the consumption) explains no more than that,
-- and a type that expects rows does not explain that there are none.
-- The tolerance of the type counts once, as the license is rounded once, beside the fifth decimal of a row.
with

positions as (
    select
        licenses.license_id,
        licenses.license_name,
        positions.consumed,
        positions.recharged_consumption,
        positions.row_count,
        positions.residue,
        positions.residue_reason,
        greatest(
            mart.allowed_gap(licenses.license_type, 1, positions.consumed),
            0.00001 * positions.row_count
        ) as allowed_gap,
        bounds.license_type is not null and positions.status = 'loaded' as is_bounded,
        positions.residue_reason in ('unexplained', 'access_filter')
        or (
            positions.residue_reason = 'consumption_without_rows'
            and coalesce(license_types.expects_rows, true)
        ) as is_open
    from mart.fct_license_positions as positions
    inner join mart.dim_licenses as licenses on positions.license_key = licenses.license_key
    left join mart.gap_tolerances as bounds
        on
            lower(licenses.license_type) = lower(bounds.license_type)
            and bounds.percent > 0
    left join mart.license_types on lower(licenses.license_type) = lower(license_types.license_type)
    where positions.load_id = %(load_id)s and positions.snapshot_date = %(snapshot_date)s
)

select
    license_id,
    license_name,
    consumed || ' consumed by the license' as expected,
    recharged_consumption || ' recharged to its ' || row_count || ' rows; '
    || case residue_reason
        when 'unexplained' then 'no known reason'
        when 'access_filter' then 'the service account may not see the rest'
        when 'consumption_without_rows' then 'licenses of this type have rows'
        else residue_reason || ' explains ' || trim_scale(round(allowed_gap, 6)) || ' at most'
    end as found
from positions
where
    abs(residue) > allowed_gap
    and (is_open or (is_bounded and row_count > 0))
order by
    abs(residue) desc,
    license_id asc
