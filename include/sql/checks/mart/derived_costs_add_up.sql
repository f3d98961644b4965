-- severity: fail
-- dimension: conservation
-- L4 and L5: a derived cost is the derived consumption times the price, to one minor unit of the currency;
-- and the costs of a license, that of its unallocated part among them, add up to what the whole license
-- costs.
with

shares as (
    select
        shares.license_id,
        shares.method_id,
        shares.node_id,
        shares.license_consumption,
        shares.derived_consumption,
        shares.derived_cost,
        prices.price_numerator,
        prices.price_denominator,
        prices.currency_quantum
    from intermediate.int_recharge_shares as shares
    inner join intermediate.int_license_prices as prices
        on
            shares.load_id = prices.load_id
            and shares.license_id = prices.license_id
    inner join intermediate.int_license_terms as terms
        on
            shares.load_id = terms.load_id
            and shares.term_number = terms.term_number
    where
        shares.load_id = %(load_id)s
        and terms.family <> 'as_recharged'
),

licenses as (
    select
        license_id,
        method_id,
        max(currency_quantum) as currency_quantum,
        max(license_consumption) * max(price_numerator) / max(price_denominator) as exact_cost,
        sum(derived_cost) as derived_cost
    from shares
    group by
        license_id,
        method_id
)

select
    license_id,
    method_id,
    node_id as node,
    round(derived_consumption * price_numerator / price_denominator, 6)::text as expected,
    coalesce(derived_cost::text, 'nothing') as found
from shares
where
    abs(derived_cost - derived_consumption * price_numerator / price_denominator) > currency_quantum
    or derived_cost is null
union all
select
    license_id,
    method_id,
    'all' as node,
    round(exact_cost, 6)::text as expected,
    derived_cost::text as found
from licenses
where abs(derived_cost - exact_cost) > currency_quantum / 2
