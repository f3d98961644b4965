-- Which licenses are short or idle this month: bought, consumed, charged, and what is left over?
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month
),

night as (
    select month.snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
)

select
    license_position.org_id,
    license_position.publisher,
    license_position.license_type,
    license_position.license_name,
    license_position.purchased,
    license_position.consumed,
    license_position.purchased - license_position.consumed as available,
    license_position.recharged_consumption,
    license_position.recharged_cost,
    license_position.currency,
    license_position.residue,
    license_position.residue_reason,
    license_position.status
from asked
inner join bi.license_position on asked.org_id = license_position.org_id
where
    license_position.snapshot_date = (select night.snapshot_date from night)
    and license_position.snapshot_date between asked.month and asked.month + 30
order by available asc nulls last, license_position.license_name asc
