-- One row per license and cluster: the cluster's own figures once, and how much it holds.
-- The API has no consumption of a cluster: it is the sum of its hosts' consumption, each host once.
with

clusters as (
    select
        license_id,
        cluster_identity,
        mode() within group (order by cluster_key) as cluster_key,
        mode() within group (order by cluster_cores desc) as cores,
        mode() within group (order by cluster_installed_cores desc) as installed_cores,
        mode() within group (order by cluster_consuming_cores desc) as consuming_cores,
        count(*) as line_count
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and cluster_identity is not null
    group by license_id, cluster_identity
),

hosts as (
    select
        license_id,
        cluster_identity,
        sum(consumption) as consumption,
        count(*) as host_count
    from intermediate.int_hosts
    where load_id = %(load_id)s and cluster_identity is not null
    group by license_id, cluster_identity
)

select
    %(load_id)s::bigint as load_id,
    clusters.license_id,
    clusters.cluster_identity,
    clusters.cluster_key,
    clusters.cores,
    clusters.installed_cores,
    clusters.consuming_cores,
    hosts.consumption,
    coalesce(hosts.host_count, 0) as host_count,
    clusters.line_count
from clusters
left join hosts
    on
        clusters.license_id = hosts.license_id
        and clusters.cluster_identity = hosts.cluster_identity
