-- severity: warn
-- dimension: conservation
-- Cost is quantity times price per right, to one cent a row. The API's cost is charged, right or wrong.
select
    license_id,
    round(sum(recharged_consumption * cost_per_right), 2) as expected,
    round(sum(recharged_cost), 2) as found,
    count(*) as row_count
from intermediate.int_consumer_lines
where
    load_id = %(load_id)s
    and abs(recharged_cost - recharged_consumption * cost_per_right) > 0.01
group by license_id
order by license_id
