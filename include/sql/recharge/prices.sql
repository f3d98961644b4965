-- One row per license with a price: the price per right by precedence, spread over the months of its term.
-- What the API says comes first, then the amount of the financial tab, the override, and the last purchase.
-- The price stays a fraction, so that a cost is divided once, at its end.
with

sources as (
    select * from intermediate.int_price_sources
    where load_id = %(load_id)s
),

picked as (
    select
        *,
        case
            when cost_per_right is not null then 'cost_per_right'
            when financial_tab_amount is not null then 'financial_tab_amount'
            when override_unit_price is not null then 'override_unit_price'
            when last_purchase_unit_price is not null then 'last_purchase_unit_price'
            when purchase_total_price is not null and purchase_quantity > 0 then 'purchase_total_price'
        end as price_source,
        coalesce(
            cost_per_right, financial_tab_amount, override_unit_price, last_purchase_unit_price
        ) as unit_price
    from sources
),

fractions as (
    select
        picked.load_id,
        picked.license_id,
        picked.price_source,
        coalesce(picked.unit_price, picked.purchase_total_price) as price_numerator,
        case picked.price_source
            when 'purchase_total_price' then picked.purchase_quantity * coalesce(picked.quantity_per_unit, 1)
            else 1
        end * coalesce(picked.term_months, 1) as price_denominator,
        picked.currency,
        coalesce(picked.currency_scale, currency_units.currency_scale, 2) as currency_scale
    from picked
    left join mart.currency_units on upper(picked.currency) = currency_units.currency
    where picked.price_source is not null
)

select
    load_id,
    license_id,
    price_source,
    price_numerator,
    price_denominator,
    case price_denominator
        when 1 then price_numerator
        else round(price_numerator / price_denominator, 6)
    end as price_per_right,
    currency,
    trunc(power(10::numeric, currency_scale)) as currency_units,
    ('1e-' || currency_scale)::numeric as currency_quantum
from fractions
