-- severity: fail
-- dimension: conservation
-- A charge shows the share and the cost that its method gives its consumer and how far Flexera's are from
-- them, and is reconciled only where they agree: the quantity to 0.00001, the cost to one minor unit.
with

charges as (
    select
        facts.license_id,
        dim_consumers.consumer_identity,
        facts.method_id,
        facts.recharged_consumption,
        facts.recharged_cost,
        facts.derived_consumption,
        facts.derived_cost,
        facts.delta,
        facts.delta_reason,
        facts.is_reconciled
    from mart.fct_chargeback as facts
    inner join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
    where
        facts.load_id = %(load_id)s
        and facts.snapshot_date = %(snapshot_date)s
        and facts.license_id not in (
            select taken_over_licenses.license_id from ops.taken_over_licenses
            where taken_over_licenses.load_id = %(load_id)s
        )
),

shares as (
    select * from intermediate.int_recharge_shares
    where load_id = %(load_id)s
),

compared as (
    select
        charges.*,
        shares.derived_consumption as share,
        shares.derived_cost as share_cost,
        coalesce(charges.recharged_consumption, 0) - coalesce(charges.derived_consumption, 0) as difference,
        abs(coalesce(charges.recharged_cost, 0) - charges.derived_cost) as cost_difference,
        coalesce(prices.currency_quantum, 0.01) as currency_quantum
    from charges
    left join shares
        on
            charges.license_id = shares.license_id
            and charges.method_id = shares.method_id
            and charges.consumer_identity = shares.node_id
    left join intermediate.int_license_prices as prices
        on
            charges.license_id = prices.license_id
            and prices.load_id = %(load_id)s
)

select
    license_id,
    method_id,
    consumer_identity as consumer,
    coalesce(trim_scale(share)::text, 'nothing') || ' for ' || coalesce(share_cost::text, 'nothing')
    || ', off by ' || trim_scale(difference) as expected,
    coalesce(trim_scale(derived_consumption)::text, 'nothing')
    || ' for ' || coalesce(derived_cost::text, 'nothing')
    || ', off by ' || coalesce(trim_scale(delta)::text, 'nothing') || coalesce(' by ' || delta_reason, '')
    || case when is_reconciled then ', reconciled' else '' end as found
from compared
where
    derived_consumption is distinct from share
    or derived_cost is distinct from share_cost
    or (method_id is not null and delta is distinct from difference)
    or is_reconciled is distinct from (method_id is not null and delta_reason is null)
    or (is_reconciled and (abs(difference) > 0.00001 or cost_difference > currency_quantum))
order by
    license_id,
    consumer_identity
