-- One row per license with a price: what the API says a right costs.
-- Where its rows disagree, the most frequent price counts.
select
    %(load_id)s::bigint as load_id,
    license_id,
    mode() within group (order by cost_per_right) as cost_per_right,
    mode() within group (order by currency) as currency
from intermediate.int_consumer_lines
where load_id = %(load_id)s and cost_per_right is not null
group by license_id
