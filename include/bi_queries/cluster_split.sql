-- How is what a cluster consumes this month split over its virtual machines and their cost centers?
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month,
        'vc-lyon-1' as cluster_name
),

night as (
    select month.snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
)

select
    chargeback.org_id,
    chargeback.license_name,
    chargeback.host_name,
    chargeback.device_name,
    chargeback.cost_center,
    chargeback.cores,
    chargeback.recharged_consumption,
    sum(chargeback.recharged_consumption) over of_cluster as cluster_consumption,
    chargeback.recharged_cost,
    sum(chargeback.recharged_cost) over of_cluster as cluster_cost,
    chargeback.currency
from asked
inner join bi.chargeback on asked.org_id = chargeback.org_id and asked.cluster_name = chargeback.cluster_name
where
    chargeback.snapshot_date = (select night.snapshot_date from night)
    and chargeback.snapshot_date between asked.month and asked.month + 30
window of_cluster as (partition by chargeback.org_id, chargeback.license_id)
order by chargeback.license_name, chargeback.host_name, chargeback.device_name
