-- severity: warn
-- dimension: accepted values
-- All costs of a load are in one currency. Costs in several are never added up: the snapshot has no total
-- then, and reports group by currency.
with

currencies as (
    select
        coalesce(currency, 'none given') as currency,
        min(license_id) as license_id,
        count(*) as row_count,
        count(*) over () as currency_count
    from mart.fct_chargeback
    where
        load_id = %(load_id)s
        and snapshot_date = %(snapshot_date)s
        and recharged_cost <> 0
    group by coalesce(currency, 'none given')
)

select
    license_id,
    'one currency' as expected,
    currency || ' on ' || row_count || ' rows' as found
from currencies
where currency_count > 1
order by license_id
