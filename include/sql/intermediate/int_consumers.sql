-- One row per license and consumer: the sums of its rows, and its attributes. Where its rows contradict each
-- other, int_contradictions says which value counts; it stands in the cluster of its host.
with

lines as (
    select * from intermediate.int_consumer_lines
    where load_id = %(load_id)s
),

-- Any of its lines has the attributes of a consumer whose lines agree.
totals as (
    select
        license_id,
        consumer_identity,
        max(array[page_number, row_number]) as any_line,
        sum(consuming_installations) as consuming_installations,
        sum(machine_consumption) as machine_consumption,
        sum(recharged_consumption) as recharged_consumption,
        sum(recharged_cost) as recharged_cost,
        bool_or(is_virtual_machine) as is_virtual_machine,
        count(*) as line_count
    from lines
    group by
        license_id,
        consumer_identity
),

settled as (
    select
        license_id,
        member_identity as consumer_identity,
        max(value) filter (where attribute = 'device_name') as device_name,
        max(value) filter (where attribute = 'device_type') as device_type,
        max(value) filter (where attribute = 'user_name') as user_name,
        max(value) filter (where attribute = 'host') as host_identity,
        max(value) filter (where attribute = 'cluster') as cluster_identity,
        max(value) filter (where attribute = 'location') as location,
        max(value) filter (where attribute = 'cost_center') as cost_center,
        max(value) filter (where attribute = 'corporate_unit') as corporate_unit,
        max(value) filter (where attribute = 'cores')::numeric as cores,
        max(value) filter (where attribute = 'host_installed_cores')::numeric as host_installed_cores,
        max(value) filter (where attribute = 'host_consuming_cores')::numeric as host_consuming_cores,
        max(value) filter (where attribute = 'cluster_installed_cores')::numeric as cluster_installed_cores,
        max(value) filter (where attribute = 'cluster_consuming_cores')::numeric as cluster_consuming_cores,
        max(value) filter (where attribute = 'host_consumption')::numeric as host_consumption,
        max(value) filter (where attribute = 'cost_per_right')::numeric as cost_per_right,
        max(value) filter (where attribute = 'currency') as currency,
        max(value) filter (where attribute = 'recharge_approach') as recharge_approach
    from intermediate.int_contradictions
    where load_id = %(load_id)s and member_type = 'consumer' and place = 1
    group by
        license_id,
        member_identity
),

described as (
    select
        totals.license_id,
        totals.consumer_identity,
        lines.consumer_type,
        lines.device_identity,
        lines.user_identity,
        lines.device_id,
        coalesce(settled.device_name, lines.device_name) as device_name,
        coalesce(settled.device_type, lines.device_type) as device_type,
        lines.user_id,
        coalesce(settled.user_name, lines.user_name) as user_name,
        coalesce(settled.host_identity, lines.host_identity) as host_identity,
        coalesce(settled.cluster_identity, lines.cluster_identity) as cluster_identity,
        coalesce(settled.location, lines.location) as location,
        coalesce(settled.cost_center, lines.cost_center) as cost_center,
        coalesce(settled.corporate_unit, lines.corporate_unit) as corporate_unit,
        coalesce(settled.cores, lines.cores) as cores,
        coalesce(settled.host_installed_cores, lines.host_installed_cores) as host_installed_cores,
        coalesce(settled.host_consuming_cores, lines.host_consuming_cores) as host_consuming_cores,
        coalesce(settled.cluster_installed_cores, lines.cluster_installed_cores) as cluster_installed_cores,
        coalesce(settled.cluster_consuming_cores, lines.cluster_consuming_cores) as cluster_consuming_cores,
        coalesce(settled.host_consumption, lines.host_consumption) as host_consumption,
        coalesce(settled.cost_per_right, lines.cost_per_right) as cost_per_right,
        coalesce(settled.currency, lines.currency) as currency,
        coalesce(settled.recharge_approach, lines.recharge_approach) as recharge_approach,
        totals.consuming_installations,
        totals.machine_consumption,
        totals.recharged_consumption,
        totals.recharged_cost,
        totals.is_virtual_machine,
        totals.line_count
    from totals
    inner join lines
        on
            totals.license_id = lines.license_id
            and totals.any_line[1] = lines.page_number
            and totals.any_line[2] = lines.row_number
    left join settled
        on
            totals.license_id = settled.license_id
            and totals.consumer_identity = settled.consumer_identity
),

hosts as (
    select * from intermediate.int_hosts
    where load_id = %(load_id)s
),

clusters as (
    select * from intermediate.int_clusters
    where load_id = %(load_id)s
)

select
    %(load_id)s::bigint as load_id,
    described.license_id,
    described.consumer_identity,
    mart.version_key(
        %(org_id)s,
        described.consumer_type,
        described.consumer_identity,
        described.device_id,
        described.device_name,
        described.device_type,
        described.user_id,
        described.user_name
    ) as consumer_key,
    hosts.host_key,
    clusters.cluster_key,
    mart.organization_unit_key(%(org_id)s, 'location', described.location) as location_key,
    mart.organization_unit_key(%(org_id)s, 'cost_center', described.cost_center) as cost_center_key,
    mart.organization_unit_key(%(org_id)s, 'corporate_unit', described.corporate_unit) as corporate_unit_key,
    described.consumer_type,
    described.device_identity,
    described.user_identity,
    described.device_id,
    described.device_name,
    described.device_type,
    described.user_id,
    described.user_name,
    described.host_identity,
    clusters.cluster_identity,
    described.cost_center,
    described.is_virtual_machine,
    described.cores,
    described.host_installed_cores,
    described.host_consuming_cores,
    described.cluster_installed_cores,
    described.cluster_consuming_cores,
    described.host_consumption,
    described.cost_per_right,
    described.currency,
    described.recharge_approach,
    described.consuming_installations,
    described.machine_consumption,
    described.recharged_consumption,
    described.recharged_cost,
    described.line_count
from described
left join hosts
    on
        described.license_id = hosts.license_id
        and described.host_identity = hosts.host_identity
left join clusters
    on
        described.license_id = clusters.license_id
        and coalesce(hosts.cluster_identity, described.cluster_identity) = clusters.cluster_identity
