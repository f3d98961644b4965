-- severity: warn
-- dimension: uniqueness
-- No row is on two pages, as happens when Flexera reconciles during the run. Such a row is charged once;
-- others may have moved the other way and be missing, so the license deserves to be read again.
select
    lines.license_id,
    'each row on one page' as expected,
    count(*) || ' rows given again on a later page' as found
from intermediate.int_consumption_lines as lines
left join intermediate.int_consumer_lines as kept
    on
        lines.load_id = kept.load_id
        and lines.license_id = kept.license_id
        and lines.page_number = kept.page_number
        and lines.row_number = kept.row_number
where
    lines.load_id = %(load_id)s
    and kept.load_id is null
group by lines.license_id
order by lines.license_id
