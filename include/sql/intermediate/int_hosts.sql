-- One row per license and host: the host's own figures once, however many rows repeat them.
-- Where the repeats disagree, the most frequent figure counts, the larger of two equally frequent ones; the
-- cluster is that of int_contradictions.
with

hosts as (
    select
        license_id,
        host_identity,
        mode() within group (order by host_key) as host_key,
        min(cluster_identity) as cluster_identity,
        mode() within group (order by host_cores desc) as cores,
        mode() within group (order by host_installed_cores desc) as installed_cores,
        mode() within group (order by host_consuming_cores desc) as consuming_cores,
        mode() within group (order by host_consumption desc) as consumption,
        count(*) as line_count
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and host_identity is not null
    group by license_id, host_identity
),

settled as (
    select
        license_id,
        member_identity as host_identity,
        value as cluster_identity
    from intermediate.int_contradictions
    where load_id = %(load_id)s and member_type = 'host' and attribute = 'cluster' and place = 1
)

select
    %(load_id)s::bigint as load_id,
    hosts.license_id,
    hosts.host_identity,
    hosts.host_key,
    coalesce(settled.cluster_identity, hosts.cluster_identity) as cluster_identity,
    hosts.cores,
    hosts.installed_cores,
    hosts.consuming_cores,
    hosts.consumption,
    hosts.line_count
from hosts
left join settled
    on
        hosts.license_id = settled.license_id
        and hosts.host_identity = settled.host_identity
