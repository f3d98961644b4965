-- severity: warn
-- dimension: uniqueness
-- Rows of one consumer name one cost center, unit, location, host and so on, and rows of one host one
-- cluster. Where they differ, all is charged to the value on most rows, or else to the one that is charged
-- most: the first one here. Correct the row in Flexera.
select
    license_id,
    member_type || ' ' || member_identity as member,
    'one value of ' || attribute as expected,
    string_agg(
        value || ' on ' || line_count || case line_count when 1 then ' row for ' else ' rows for ' end
        || recharged_cost,
        ', '
        order by place
    ) as found
from intermediate.int_contradictions
where
    load_id = %(load_id)s
    and attribute in (
        'device_name',
        'device_type',
        'user_name',
        'host',
        'cluster',
        'location',
        'cost_center',
        'corporate_unit',
        'cores'
    )
group by
    license_id,
    member_type,
    member_identity,
    attribute
having count(*) > 1
order by
    license_id,
    member_type,
    member_identity,
    attribute
