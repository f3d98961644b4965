-- severity: fail
-- dimension: conservation
-- L2 and L6 in the tree of machines: what a cluster or a host is recharged is what its consumers are; and
-- what a cluster consumes is what its hosts do.
with

charges as (
    select * from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

charges_by_host as (
    select
        charges.license_id,
        dim_hosts.host_identity as identity,
        coalesce(sum(charges.recharged_consumption), 0) as consumption,
        coalesce(sum(charges.recharged_cost), 0) as cost
    from charges
    inner join mart.dim_hosts on charges.host_key = dim_hosts.host_key
    group by
        charges.license_id,
        dim_hosts.host_identity
),

charges_by_cluster as (
    select
        charges.license_id,
        dim_clusters.cluster_identity as identity,
        coalesce(sum(charges.recharged_consumption), 0) as consumption,
        coalesce(sum(charges.recharged_cost), 0) as cost
    from charges
    inner join mart.dim_clusters on charges.cluster_key = dim_clusters.cluster_key
    group by
        charges.license_id,
        dim_clusters.cluster_identity
),

hosts as (
    select
        fct_host_consumption.license_id,
        dim_hosts.host_identity as identity,
        coalesce(fct_host_consumption.recharged_consumption, 0) as consumption,
        coalesce(fct_host_consumption.recharged_cost, 0) as cost
    from mart.fct_host_consumption
    inner join mart.dim_hosts on fct_host_consumption.host_key = dim_hosts.host_key
    where
        fct_host_consumption.load_id = %(load_id)s
        and fct_host_consumption.snapshot_date = %(snapshot_date)s
),

clusters as (
    select
        fct_cluster_consumption.license_id,
        dim_clusters.cluster_identity as identity,
        coalesce(fct_cluster_consumption.recharged_consumption, 0) as consumption,
        coalesce(fct_cluster_consumption.recharged_cost, 0) as cost,
        fct_cluster_consumption.consumption as consumed
    from mart.fct_cluster_consumption
    inner join mart.dim_clusters on fct_cluster_consumption.cluster_key = dim_clusters.cluster_key
    where
        fct_cluster_consumption.load_id = %(load_id)s
        and fct_cluster_consumption.snapshot_date = %(snapshot_date)s
),

hosts_by_cluster as (
    select
        hosts.license_id,
        dim_clusters.cluster_identity as identity,
        sum(hosts.consumption) as consumed
    from mart.fct_host_consumption as hosts
    inner join mart.dim_clusters on hosts.cluster_key = dim_clusters.cluster_key
    where hosts.load_id = %(load_id)s and hosts.snapshot_date = %(snapshot_date)s
    group by
        hosts.license_id,
        dim_clusters.cluster_identity
),

compared as (
    select
        coalesce(hosts.license_id, charges_by_host.license_id) as license_id,
        'host ' || coalesce(hosts.identity, charges_by_host.identity) as node,
        charges_by_host.consumption as charged_consumption,
        charges_by_host.cost as charged_cost,
        hosts.consumption,
        hosts.cost
    from charges_by_host
    full outer join hosts
        on
            charges_by_host.license_id = hosts.license_id
            and charges_by_host.identity = hosts.identity
    union all
    select
        coalesce(clusters.license_id, charges_by_cluster.license_id) as license_id,
        'cluster ' || coalesce(clusters.identity, charges_by_cluster.identity) as node,
        charges_by_cluster.consumption as charged_consumption,
        charges_by_cluster.cost as charged_cost,
        clusters.consumption,
        clusters.cost
    from charges_by_cluster
    full outer join clusters
        on
            charges_by_cluster.license_id = clusters.license_id
            and charges_by_cluster.identity = clusters.identity
)

select
    license_id,
    node,
    coalesce(charged_consumption::text, 'nothing') || ' for ' || coalesce(charged_cost::text, 'nothing')
    || ' charged to the consumers' as expected,
    coalesce(consumption::text, 'nothing') || ' for ' || coalesce(cost::text, 'nothing') || ' at the node'
        as found
from compared
where
    coalesce(consumption, 0) <> coalesce(charged_consumption, 0)
    or coalesce(cost, 0) <> coalesce(charged_cost, 0)
union all
select
    clusters.license_id,
    'cluster ' || clusters.identity as node,
    coalesce(hosts_by_cluster.consumed::text, 'nothing') || ' consumed by its hosts' as expected,
    coalesce(clusters.consumed::text, 'nothing') || ' by the cluster' as found
from clusters
left join hosts_by_cluster
    on
        clusters.license_id = hosts_by_cluster.license_id
        and clusters.identity = hosts_by_cluster.identity
where clusters.consumed is distinct from hosts_by_cluster.consumed
order by
    license_id,
    node
