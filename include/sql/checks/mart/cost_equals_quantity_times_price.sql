-- severity: warn
-- dimension: conservation
-- L4 of what Flexera gives: cost is quantity times price per right, to one minor unit of the currency a row.
-- The API's cost is charged, right or wrong.
select
    lines.license_id,
    round(sum(lines.recharged_consumption * lines.cost_per_right), 2) as expected,
    round(sum(lines.recharged_cost), 2) as found,
    count(*) as row_count
from intermediate.int_consumer_lines as lines
left join mart.currency_units on lines.currency = currency_units.currency
where
    lines.load_id = %(load_id)s
    and abs(lines.recharged_cost - lines.recharged_consumption * lines.cost_per_right)
    > ('1e-' || coalesce(currency_units.currency_scale, 2))::numeric
group by lines.license_id
order by lines.license_id
