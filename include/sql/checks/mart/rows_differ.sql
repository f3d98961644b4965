-- severity: warn
-- dimension: uniqueness
-- Rows of a license differ in at least one member. Rows that are equal in all are each charged: look in
-- Flexera whether the consumer really counts more than once.
with

equal_rows as (
    select
        license_id,
        content_hash,
        count(*) as row_count
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and content_hash is not null
    group by
        license_id,
        content_hash
    having count(*) > 1
)

select
    lines.license_id,
    lines.consumer_identity as consumer,
    'rows that differ' as expected,
    equal_rows.row_count || ' equal rows on ' || case
        when min(lines.page_number) = max(lines.page_number) then 'page ' || min(lines.page_number)
        else 'pages ' || min(lines.page_number) || ' to ' || max(lines.page_number)
    end
    || ', each charged ' || coalesce(trim_scale(min(lines.recharged_consumption))::text, 'nothing')
    || coalesce(' for ' || min(lines.recharged_cost), '') || coalesce(' ' || min(lines.currency), '') as found
from equal_rows
inner join intermediate.int_consumer_lines as lines
    on
        equal_rows.license_id = lines.license_id
        and equal_rows.content_hash = lines.content_hash
where lines.load_id = %(load_id)s
group by
    lines.license_id,
    lines.consumer_identity,
    lines.content_hash,
    equal_rows.row_count
order by
    lines.license_id,
    lines.consumer_identity
