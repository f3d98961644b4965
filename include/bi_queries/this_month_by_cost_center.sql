-- What does each cost center pay this month, one level of the tree at a time?
-- Drill down by asking for the children of a path; null asks for the top of the tree.
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month,
        null::text as parent_path
),

night as (
    select month.snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
)

select
    tree.org_id,
    tree.path,
    tree.currency,
    sum(tree.own_cost) as own_cost,
    sum(tree.total_cost) as total_cost,
    count(distinct tree.license_id) as license_count
from asked
inner join bi.chargeback_by_cost_center as tree on asked.org_id = tree.org_id
where
    tree.snapshot_date = (select night.snapshot_date from night)
    and tree.snapshot_date between asked.month and asked.month + 30
    and tree.parent_path is not distinct from asked.parent_path
group by tree.org_id, tree.path, tree.currency
order by total_cost desc, tree.path asc, tree.currency asc
