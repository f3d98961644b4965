-- severity: fail
-- dimension: conservation
-- Every row the API gave is a line or in quarantine, and every line is charged or a repeat: it is on a later
-- page again, and the license consumes exactly what the other lines are recharged.
with

received as (
    select
        load_licenses.license_id,
        case extractions.status when 'complete' then extractions.row_count else 0 end as row_count
    from ops.load_licenses
    inner join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
    where load_licenses.load_id = %(load_id)s
),

lines as (
    select
        license_id,
        count(*) as row_count
    from intermediate.int_consumption_lines
    where load_id = %(load_id)s
    group by license_id
),

quarantined as (
    select
        license_id,
        count(*) as row_count
    from ops.quarantined_rows
    where load_id = %(load_id)s
    group by license_id
),

charged as (
    select
        license_id,
        count(*) as row_count,
        coalesce(sum(recharged_consumption), 0) as recharged_consumption
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
    group by license_id
),

left_out as (
    select
        lines.license_id,
        lines.page_number,
        lines.row_number,
        mart.filled(lines.device_id) as device_id,
        mart.filled(lines.device_name) as device_name,
        mart.filled(lines.user_id) as user_id,
        mart.filled(lines.user_name) as user_name
    from intermediate.int_consumption_lines as lines
    left join intermediate.int_consumer_lines as kept
        on
            lines.load_id = kept.load_id
            and lines.license_id = kept.license_id
            and lines.page_number = kept.page_number
            and lines.row_number = kept.row_number
    where lines.load_id = %(load_id)s and kept.load_id is null
),

-- A line is left out for one reason only: its device and user are on a later page again, and the license
-- consumes what the other lines are recharged.
repeats as (
    select
        left_out.license_id,
        left_out.page_number,
        left_out.row_number
    from left_out
    inner join intermediate.int_consumer_lines as later
        on
            left_out.license_id = later.license_id
            and coalesce(left_out.device_id, left_out.device_name, '')
            = coalesce(later.device_id, later.device_name, '')
            and coalesce(left_out.user_id, left_out.user_name, '')
            = coalesce(later.user_id, later.user_name, '')
            and left_out.page_number < later.page_number
    inner join lines on left_out.license_id = lines.license_id
    inner join charged on left_out.license_id = charged.license_id
    inner join intermediate.int_licenses
        on
            later.load_id = int_licenses.load_id
            and left_out.license_id = int_licenses.license_id
            and abs(charged.recharged_consumption - int_licenses.consumed) <= 0.00001 * lines.row_count
    where later.load_id = %(load_id)s
    group by
        left_out.license_id,
        left_out.page_number,
        left_out.row_number
),

repeated as (
    select
        license_id,
        count(*) as row_count
    from repeats
    group by license_id
),

licenses as (
    select license_id
    from intermediate.int_licenses
    where load_id = %(load_id)s
    union
    select license_id
    from intermediate.int_consumption_lines
    where load_id = %(load_id)s
    union
    select license_id
    from ops.quarantined_rows
    where load_id = %(load_id)s
)

select
    licenses.license_id,
    coalesce(received.row_count, 0) || ' rows received' as expected,
    coalesce(lines.row_count, 0) || ' lines (' || coalesce(charged.row_count, 0) || ' charged, '
    || coalesce(repeated.row_count, 0) || ' repeated later), '
    || coalesce(quarantined.row_count, 0) || ' quarantined' as found
from licenses
left join received on licenses.license_id = received.license_id
left join lines on licenses.license_id = lines.license_id
left join quarantined on licenses.license_id = quarantined.license_id
left join charged on licenses.license_id = charged.license_id
left join repeated on licenses.license_id = repeated.license_id
where
    coalesce(received.row_count, 0) <> coalesce(lines.row_count, 0) + coalesce(quarantined.row_count, 0)
    or coalesce(lines.row_count, 0) <> coalesce(charged.row_count, 0) + coalesce(repeated.row_count, 0)
