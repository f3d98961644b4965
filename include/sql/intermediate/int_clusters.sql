-- One row per license and cluster: the cluster's own figures once, and how much it holds.
-- The API has no consumption of a cluster: it is the sum of its hosts' consumption, each host once.
with

lines as (
    select * from intermediate.int_consumer_lines
    where load_id = %(load_id)s and cluster_identity is not null
),

clusters as (
    select
        license_id,
        cluster_identity,
        max(array[page_number, row_number]) as last_line,
        mode() within group (order by cluster_cores desc) as cores,
        mode() within group (order by cluster_installed_cores desc) as installed_cores,
        mode() within group (order by cluster_consuming_cores desc) as consuming_cores,
        count(*) as line_count
    from lines
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
),

machines as (
    select
        license_id,
        cluster_identity,
        count(*) as vm_count
    from intermediate.int_virtual_machines
    where load_id = %(load_id)s and cluster_identity is not null
    group by license_id, cluster_identity
)

select
    lines.load_id,
    clusters.license_id,
    clusters.cluster_identity,
    lines.cluster_key,
    clusters.cores,
    clusters.installed_cores,
    clusters.consuming_cores,
    hosts.consumption,
    coalesce(machines.vm_count, 0) as vm_count,
    coalesce(hosts.host_count, 0) as host_count,
    clusters.line_count
from clusters
inner join lines
    on
        clusters.license_id = lines.license_id
        and clusters.last_line[1] = lines.page_number
        and clusters.last_line[2] = lines.row_number
left join hosts
    on
        clusters.license_id = hosts.license_id
        and clusters.cluster_identity = hosts.cluster_identity
left join machines
    on
        clusters.license_id = machines.license_id
        and clusters.cluster_identity = machines.cluster_identity
