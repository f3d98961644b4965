-- severity: warn
-- dimension: conservation
-- A method gives what Flexera recharges, quantity and cost, or there is a known reason why not. Licenses with
-- charges that neither explains are for a person to look at: bi.explanation has the figures of each row.
with

deltas as (
    select
        license_id,
        license_key,
        method_id,
        count(*) filter (where delta_reason = 'unexplained') as row_count,
        count(*) as consumer_count,
        coalesce(sum(abs(delta)) filter (where delta_reason = 'unexplained'), 0) as deviation,
        sum(abs(recharged_cost - derived_cost)) filter (where delta_reason = 'unexplained') as cost_deviation
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by
        license_id,
        license_key,
        method_id
)

select
    deltas.license_id,
    dim_licenses.license_name,
    deltas.consumer_count || ' consumers as ' || deltas.method_id || ' has them' as expected,
    deltas.row_count || ' of them off by ' || trim_scale(round(deltas.deviation, 6)) || ' in all'
    || coalesce('; cost off by ' || deltas.cost_deviation, '') as found
from deltas
inner join mart.dim_licenses on deltas.license_key = dim_licenses.license_key
where deltas.row_count > 0
order by
    deltas.cost_deviation desc nulls last,
    deltas.deviation desc,
    deltas.license_id asc
