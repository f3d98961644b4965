-- Which cost centers pay more or less for which license than the month before? The twenty largest
-- differences.
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month
),

nights as (
    select
        month.snapshot_date,
        month.previous_snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
),

costs as (
    select
        tree.org_id,
        tree.path,
        tree.license_id,
        tree.license_name,
        tree.currency,
        0 as cost_before,
        tree.own_cost as cost
    from asked
    inner join bi.chargeback_by_cost_center as tree on asked.org_id = tree.org_id
    where
        tree.snapshot_date = (select nights.snapshot_date from nights)
        and tree.snapshot_date between asked.month and asked.month + 30
    union all
    select
        tree.org_id,
        tree.path,
        tree.license_id,
        tree.license_name,
        tree.currency,
        tree.own_cost as cost_before,
        0 as cost
    from asked
    inner join bi.chargeback_by_cost_center as tree on asked.org_id = tree.org_id
    where
        tree.snapshot_date = (select nights.previous_snapshot_date from nights)
        and tree.snapshot_date < asked.month
)

select
    org_id,
    path,
    license_id,
    max(license_name) as license_name,
    currency,
    sum(cost_before) as cost_before,
    sum(cost) as cost,
    sum(cost - cost_before) as difference
from costs
group by org_id, path, license_id, currency
having sum(cost) <> sum(cost_before)
order by abs(sum(cost - cost_before)) desc, path asc, license_id asc
limit 20
