-- severity: fail
-- dimension: accepted values
-- The rows of a license with a cost or a price are in one currency, as its charges are added up. A row that
-- names none has the default of the field map: set that to the tenant's currency, or correct the rows.
with

currencies as (
    select
        license_id,
        currency,
        count(*) as row_count,
        count(*) over (partition by license_id) as currency_count
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and currency is not null and (recharged_cost <> 0 or cost_per_right <> 0)
    group by
        license_id,
        currency
)

select
    license_id,
    'one currency; rows that name none have the default of field_map.yaml' as expected,
    string_agg(currency || ' on ' || row_count || ' rows', ', ' order by row_count desc, currency asc)
        as found
from currencies
where currency_count > 1
group by license_id
order by license_id
