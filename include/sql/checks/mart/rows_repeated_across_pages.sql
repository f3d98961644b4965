-- severity: warn
-- dimension: uniqueness
-- No row is on two pages, as happens when Flexera reconciles during the run. Where the license's total shows
-- which rows are repeats, these are left out; else all are charged. Other rows may have moved the other way
-- and be missing: read the license again.
with

lines as (
    select
        lines.license_id,
        lines.recharged_consumption,
        kept.load_id is null as is_left_out
    from intermediate.int_consumption_lines as lines
    left join intermediate.int_consumer_lines as kept
        on
            lines.load_id = kept.load_id
            and lines.license_id = kept.license_id
            and lines.page_number = kept.page_number
            and lines.row_number = kept.row_number
    where
        lines.load_id = %(load_id)s
        and (kept.load_id is null or kept.is_possible_repeat)
)

select
    lines.license_id,
    'each row on one page' as expected,
    case
        when lines.is_left_out then 'repeats left out: '
        else 'possible repeats, charged: '
    end
    || count(*) || ' of ' || coalesce(sum(lines.recharged_consumption), 0) || ' in all; the license consumes '
    || coalesce(trim_scale(min(int_licenses.consumed))::text, 'an unknown number') as found
from lines
left join intermediate.int_licenses
    on
        lines.license_id = int_licenses.license_id
        and int_licenses.load_id = %(load_id)s
group by
    lines.license_id,
    lines.is_left_out
order by lines.license_id
