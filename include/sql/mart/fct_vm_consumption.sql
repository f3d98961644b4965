-- One row per license and virtual machine.
with

licenses as (
    select
        license_id,
        license_key
    from intermediate.int_license_versions
    where load_id = %(load_id)s
),

machines as (
    select * from intermediate.int_virtual_machines
    where load_id = %(load_id)s
),

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

consumption as (
    select
        licenses.license_key,
        machines.consumer_key,
        machines.host_key,
        machines.cluster_key,
        machines.license_id,
        machines.cores as installed_cores,
        null::numeric as consuming_cores,
        machines.machine_consumption as consumption,
        machines.recharged_consumption,
        machines.recharged_cost
    from machines
    left join licenses on machines.license_id = licenses.license_id
    union all
    select
        fct_vm_consumption.license_key,
        fct_vm_consumption.consumer_key,
        fct_vm_consumption.host_key,
        fct_vm_consumption.cluster_key,
        fct_vm_consumption.license_id,
        fct_vm_consumption.installed_cores,
        fct_vm_consumption.consuming_cores,
        fct_vm_consumption.consumption,
        fct_vm_consumption.recharged_consumption,
        fct_vm_consumption.recharged_cost
    from taken_over
    inner join mart.fct_vm_consumption
        on
            taken_over.from_load_id = fct_vm_consumption.load_id
            and taken_over.from_snapshot_date = fct_vm_consumption.snapshot_date
            and taken_over.license_id = fct_vm_consumption.license_id
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_key,
    consumer_key,
    host_key,
    cluster_key,
    license_id,
    installed_cores,
    consuming_cores,
    consumption,
    recharged_consumption,
    recharged_cost
from consumption
