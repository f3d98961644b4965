-- Where did a virtual machine stand from night to night, whose was it, and what did it cost?
with

asked as not materialized (
    select
        '12345' as org_id,
        '202300' as device_id,
        date '2025-11-01' as from_date,
        date '2026-11-30' as to_date
)

select
    chargeback.org_id,
    chargeback.snapshot_date,
    chargeback.license_name,
    chargeback.device_name,
    chargeback.host_name,
    chargeback.cluster_name,
    chargeback.cost_center,
    chargeback.recharged_consumption,
    chargeback.recharged_cost
from asked
inner join bi.chargeback
    on
        asked.org_id = chargeback.org_id
        and asked.device_id = chargeback.device_id
        and chargeback.snapshot_date between asked.from_date and asked.to_date
order by chargeback.org_id, chargeback.snapshot_date, chargeback.license_name
