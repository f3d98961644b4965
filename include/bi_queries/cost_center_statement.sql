-- What is a cost center charged this month, with all below it, and why? One line per charge.
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month,
        'Retail' as cost_center
),

night as (
    select month.snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
)

select
    explanation.org_id,
    explanation.cost_center,
    explanation.license_name,
    explanation.consumer_type,
    coalesce(explanation.device_name, explanation.user_name) as consumer,
    explanation.recharged_consumption,
    explanation.recharged_cost,
    explanation.explanation
from asked
inner join bi.explanation on asked.org_id = explanation.org_id
where
    explanation.snapshot_date = (select night.snapshot_date from night)
    and explanation.snapshot_date between asked.month and asked.month + 30
    and (
        explanation.cost_center = asked.cost_center
        or starts_with(explanation.cost_center, asked.cost_center || '/')
    )
order by
    explanation.cost_center asc,
    explanation.recharged_cost desc nulls last,
    explanation.license_name asc
