-- severity: fail
-- dimension: conservation
-- L3 over the whole load: what licenses consume and their rows do not say, or say too much, without a known
-- reason, at the license's price, is no more than the run allows, in percent of what the load recharges. Rows
-- that the service account may not see are such a gap.
with

positions as (
    select
        license_id,
        recharged_cost,
        case when residue_reason in ('unexplained', 'access_filter') then abs(residue) else 0 end as gap
    from mart.fct_license_positions
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

prices as (
    select
        license_id,
        max(cost_per_right) as cost_per_right
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by license_id
),

priced as (
    select
        positions.license_id,
        positions.gap * coalesce(prices.cost_per_right, 0) as gap_cost,
        positions.recharged_cost
    from positions
    left join prices on positions.license_id = prices.license_id
),

totals as (
    select
        sum(gap_cost) as gap_cost,
        count(*) filter (where gap_cost > 0) as license_count,
        sum(abs(recharged_cost)) as cost
    from priced
),

widest as (
    select license_id
    from priced
    order by
        gap_cost desc,
        license_id asc
    limit 1
)

select
    widest.license_id,
    'at most ' || trim_scale(loads.allowed_gap_percent) || ' percent of ' || totals.cost
    || ' without a known reason' as expected,
    round(totals.gap_cost, 2) || ' in ' || totals.license_count || ' licenses, most of it in this one. Ask '
    || 'whether the service account sees everything; if the gap is right, trigger this date again with '
    || 'source raw and allowed_gap_percent '
    || least(ceil(100 * totals.gap_cost / greatest(totals.cost, 0.01)), 100) as found
from totals
cross join widest
cross join ops.loads
where
    loads.load_id = %(load_id)s
    and loads.allowed_gap_percent < 100
    and totals.gap_cost > totals.cost * loads.allowed_gap_percent / 100
