-- What was charged on one night, all of it? One row per charge, for another system.
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-24' as snapshot_date
)

select
    chargeback.snapshot_date,
    chargeback.org_id,
    chargeback.license_id,
    chargeback.license_name,
    chargeback.license_type,
    chargeback.publisher,
    chargeback.consumer_type,
    chargeback.device_id,
    chargeback.device_name,
    chargeback.device_type,
    chargeback.user_id,
    chargeback.user_name,
    chargeback.host_id,
    chargeback.host_name,
    chargeback.cluster_name,
    chargeback.location,
    chargeback.cost_center,
    chargeback.corporate_unit,
    chargeback.cores,
    chargeback.host_installed_cores,
    chargeback.host_consuming_cores,
    chargeback.cluster_installed_cores,
    chargeback.cluster_consuming_cores,
    chargeback.consuming_installations,
    chargeback.machine_consumption,
    chargeback.host_consumption,
    chargeback.cost_per_right,
    chargeback.recharged_consumption,
    chargeback.recharged_cost,
    chargeback.currency,
    chargeback.recharge_approach,
    chargeback.derived_consumption,
    chargeback.derived_cost,
    chargeback.method_id,
    chargeback.delta_reason,
    chargeback.is_reconciled,
    chargeback.is_carried_forward,
    chargeback.consumer_identity_key
from asked
inner join bi.chargeback
    on asked.org_id = chargeback.org_id and asked.snapshot_date = chargeback.snapshot_date
