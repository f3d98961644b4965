-- One row per license and cluster. Its recharged amounts are the sums over its consumers; one that is listed
-- on several clusters is charged on the one that int_contradictions settles.
with

licenses as (
    select
        license_id,
        license_key
    from intermediate.int_license_versions
    where load_id = %(load_id)s
),

clusters as (
    select * from intermediate.int_clusters
    where load_id = %(load_id)s
),

machines as (
    select
        license_id,
        cluster_identity,
        count(*) as vm_count
    from intermediate.int_virtual_machines
    where load_id = %(load_id)s and cluster_identity is not null
    group by
        license_id,
        cluster_identity
),

charges as (
    select
        fct_chargeback.license_id,
        dim_clusters.cluster_identity,
        sum(fct_chargeback.recharged_consumption) as recharged_consumption,
        sum(fct_chargeback.recharged_cost) as recharged_cost
    from mart.fct_chargeback
    inner join mart.dim_clusters on fct_chargeback.cluster_key = dim_clusters.cluster_key
    where fct_chargeback.load_id = %(load_id)s and fct_chargeback.snapshot_date = %(snapshot_date)s
    group by
        fct_chargeback.license_id,
        dim_clusters.cluster_identity
),

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

consumption as (
    select
        licenses.license_key,
        clusters.cluster_key,
        clusters.license_id,
        coalesce(clusters.installed_cores, clusters.cores) as installed_cores,
        clusters.consuming_cores,
        coalesce(machines.vm_count, 0) as vm_count,
        clusters.host_count,
        clusters.consumption,
        case
            when charges.license_id is null then 0
            else charges.recharged_consumption
        end as recharged_consumption,
        case when charges.license_id is null then 0 else charges.recharged_cost end as recharged_cost
    from clusters
    left join licenses on clusters.license_id = licenses.license_id
    left join machines
        on
            clusters.license_id = machines.license_id
            and clusters.cluster_identity = machines.cluster_identity
    left join charges
        on
            clusters.license_id = charges.license_id
            and clusters.cluster_identity = charges.cluster_identity
    union all
    select
        fct_cluster_consumption.license_key,
        fct_cluster_consumption.cluster_key,
        fct_cluster_consumption.license_id,
        fct_cluster_consumption.installed_cores,
        fct_cluster_consumption.consuming_cores,
        fct_cluster_consumption.vm_count,
        fct_cluster_consumption.host_count,
        fct_cluster_consumption.consumption,
        fct_cluster_consumption.recharged_consumption,
        fct_cluster_consumption.recharged_cost
    from taken_over
    inner join mart.fct_cluster_consumption
        on
            taken_over.from_load_id = fct_cluster_consumption.load_id
            and taken_over.from_snapshot_date = fct_cluster_consumption.snapshot_date
            and taken_over.license_id = fct_cluster_consumption.license_id
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_key,
    cluster_key,
    license_id,
    installed_cores,
    consuming_cores,
    vm_count,
    host_count,
    consumption,
    recharged_consumption,
    recharged_cost
from consumption
