-- One row per license and host. Its recharged amounts are the sums over its consumers; one that is listed on
-- several hosts is charged on the one that int_contradictions settles.
with

licenses as (
    select
        license_id,
        license_key
    from intermediate.int_license_versions
    where load_id = %(load_id)s
),

hosts as (
    select * from intermediate.int_hosts
    where load_id = %(load_id)s
),

machines as (
    select
        license_id,
        host_identity,
        count(*) as vm_count
    from intermediate.int_virtual_machines
    where load_id = %(load_id)s and host_identity is not null
    group by
        license_id,
        host_identity
),

charges as (
    select
        fct_chargeback.license_id,
        dim_hosts.host_identity,
        sum(fct_chargeback.recharged_consumption) as recharged_consumption,
        sum(fct_chargeback.recharged_cost) as recharged_cost
    from mart.fct_chargeback
    inner join mart.dim_hosts on fct_chargeback.host_key = dim_hosts.host_key
    where fct_chargeback.load_id = %(load_id)s and fct_chargeback.snapshot_date = %(snapshot_date)s
    group by
        fct_chargeback.license_id,
        dim_hosts.host_identity
),

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

consumption as (
    select
        licenses.license_key,
        hosts.host_key,
        clusters.cluster_key,
        hosts.license_id,
        coalesce(hosts.installed_cores, hosts.cores) as installed_cores,
        hosts.consuming_cores,
        coalesce(machines.vm_count, 0) as vm_count,
        hosts.consumption,
        case
            when charges.license_id is null then 0
            else charges.recharged_consumption
        end as recharged_consumption,
        case when charges.license_id is null then 0 else charges.recharged_cost end as recharged_cost
    from hosts
    left join licenses on hosts.license_id = licenses.license_id
    left join intermediate.int_clusters as clusters
        on
            hosts.load_id = clusters.load_id
            and hosts.license_id = clusters.license_id
            and hosts.cluster_identity = clusters.cluster_identity
    left join machines
        on
            hosts.license_id = machines.license_id
            and hosts.host_identity = machines.host_identity
    left join charges
        on
            hosts.license_id = charges.license_id
            and hosts.host_identity = charges.host_identity
    union all
    select
        fct_host_consumption.license_key,
        fct_host_consumption.host_key,
        fct_host_consumption.cluster_key,
        fct_host_consumption.license_id,
        fct_host_consumption.installed_cores,
        fct_host_consumption.consuming_cores,
        fct_host_consumption.vm_count,
        fct_host_consumption.consumption,
        fct_host_consumption.recharged_consumption,
        fct_host_consumption.recharged_cost
    from taken_over
    inner join mart.fct_host_consumption
        on
            taken_over.from_load_id = fct_host_consumption.load_id
            and taken_over.from_snapshot_date = fct_host_consumption.snapshot_date
            and taken_over.license_id = fct_host_consumption.license_id
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_key,
    host_key,
    cluster_key,
    license_id,
    installed_cores,
    consuming_cores,
    vm_count,
    consumption,
    recharged_consumption,
    recharged_cost
from consumption
