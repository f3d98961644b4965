-- Which devices have this text in their name or id, whose are they, and what do they cost this month?
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month,
        'srv' as text
),

night as (
    select month.snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
)

select
    chargeback.org_id,
    chargeback.device_id,
    chargeback.device_name,
    chargeback.device_type,
    chargeback.cost_center,
    count(*) as license_count,
    sum(chargeback.recharged_cost) as recharged_cost
from asked
inner join bi.chargeback on asked.org_id = chargeback.org_id
where
    chargeback.snapshot_date = (select night.snapshot_date from night)
    and chargeback.snapshot_date between asked.month and asked.month + 30
    and (
        chargeback.device_name ilike '%' || asked.text || '%'
        or chargeback.device_id ilike '%' || asked.text || '%'
    )
group by
    chargeback.org_id,
    chargeback.device_id,
    chargeback.device_name,
    chargeback.device_type,
    chargeback.cost_center
order by recharged_cost desc nulls last, chargeback.device_name asc
limit 100
