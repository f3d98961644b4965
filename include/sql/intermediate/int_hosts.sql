-- One row per license and host: the host's own figures once, however many rows repeat them.
-- Where the repeats disagree, the most frequent figure counts, the larger of two equally frequent ones.
with

lines as (
    select * from intermediate.int_consumer_lines
    where load_id = %(load_id)s and host_identity is not null
),

hosts as (
    select
        license_id,
        host_identity,
        max(array[page_number, row_number]) as last_line,
        mode() within group (order by host_cores desc) as cores,
        mode() within group (order by host_installed_cores desc) as installed_cores,
        mode() within group (order by host_consuming_cores desc) as consuming_cores,
        mode() within group (order by host_consumption desc) as consumption,
        count(*) as line_count
    from lines
    group by license_id, host_identity
),

machines as (
    select
        license_id,
        host_identity,
        count(*) as vm_count
    from intermediate.int_virtual_machines
    where load_id = %(load_id)s and host_identity is not null
    group by license_id, host_identity
)

select
    lines.load_id,
    hosts.license_id,
    hosts.host_identity,
    lines.host_key,
    lines.cluster_key,
    lines.cluster_identity,
    hosts.cores,
    hosts.installed_cores,
    hosts.consuming_cores,
    hosts.consumption,
    coalesce(machines.vm_count, 0) as vm_count,
    hosts.line_count
from hosts
inner join lines
    on
        hosts.license_id = lines.license_id
        and hosts.last_line[1] = lines.page_number
        and hosts.last_line[2] = lines.row_number
left join machines
    on
        hosts.license_id = machines.license_id
        and hosts.host_identity = machines.host_identity
