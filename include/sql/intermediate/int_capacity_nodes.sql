-- One row per license and node of its capacity tree: consumers, the pools around them, hosts and clusters.
-- A consumer of several rows is one node, with the sums of all. What int_consumers does not settle is that of
-- its dearest row where it runs. Its key is the one set for itself, or its part of the one set for the
-- nearest cost center around it. It is exempt where it is allocated and consumes
-- 0, or where another Oracle license counts its cluster.
with

lines as (
    select
        consumers.license_id,
        consumer_lines.page_number,
        consumer_lines.row_number,
        consumer_lines.content_hash,
        consumers.consumer_type,
        consumers.consumer_identity,
        consumers.user_identity,
        consumers.device_identity,
        consumers.device_id,
        consumers.device_name,
        consumers.user_id,
        consumers.user_name,
        consumers.cost_center,
        consumers.device_type,
        consumers.is_virtual_machine,
        consumer_lines.host_identity,
        coalesce(hosts.cluster_identity, consumer_lines.cluster_identity) as cluster_identity,
        consumers.cores,
        consumers.consuming_installations as installations,
        consumers.recharged_consumption as recharged_sum,
        consumers.recharged_cost as cost_sum,
        consumer_lines.machine_consumption,
        consumer_lines.recharged_consumption,
        consumer_lines.recharged_cost,
        (consumer_lines.host_identity is distinct from consumers.host_identity)
        or (
            coalesce(hosts.cluster_identity, consumer_lines.cluster_identity)
            is distinct from consumers.cluster_identity
        ) as is_elsewhere,
        raw_lines.capped_cores,
        raw_lines.processors,
        raw_lines.host_processors,
        raw_lines.points_per_core,
        raw_lines.is_eligible_for_sub_capacity,
        raw_lines.is_allocated,
        inner_pools.pool_name,
        inner_pools.capped_cores as pool_cores,
        outer_pools.pool_name as outer_pool_name,
        outer_pools.capped_cores as outer_pool_cores
    from (
        select * from intermediate.int_consumer_lines
        where load_id = %(load_id)s
    ) as consumer_lines
    inner join intermediate.int_consumers as consumers
        on
            consumer_lines.load_id = consumers.load_id
            and consumer_lines.license_id = consumers.license_id
            and consumer_lines.consumer_identity = consumers.consumer_identity
    left join intermediate.int_hosts as hosts
        on
            consumer_lines.load_id = hosts.load_id
            and consumer_lines.license_id = hosts.license_id
            and consumer_lines.host_identity = hosts.host_identity
    inner join intermediate.int_consumption_lines as raw_lines
        on
            consumer_lines.load_id = raw_lines.load_id
            and consumer_lines.license_id = raw_lines.license_id
            and consumer_lines.page_number = raw_lines.page_number
            and consumer_lines.row_number = raw_lines.row_number
    left join intermediate.int_line_pools as inner_pools
        on
            consumer_lines.load_id = inner_pools.load_id
            and consumer_lines.license_id = inner_pools.license_id
            and consumer_lines.page_number = inner_pools.page_number
            and consumer_lines.row_number = inner_pools.row_number
            and inner_pools.position = 1
    left join intermediate.int_line_pools as outer_pools
        on
            consumer_lines.load_id = outer_pools.load_id
            and consumer_lines.license_id = outer_pools.license_id
            and consumer_lines.page_number = outer_pools.page_number
            and consumer_lines.row_number = outer_pools.row_number
            and outer_pools.position = 2
),

placed as (
    select
        *,
        'host ' || host_identity as host_node_id,
        'cluster ' || cluster_identity as cluster_node_id,
        case
            when pool_name is not null
                then
                    mart.identity(
                        'pool', pool_name, coalesce(host_identity, cluster_identity)
                    )
        end as pool_node_id,
        case
            when outer_pool_name is not null
                then mart.identity('outer pool', outer_pool_name, coalesce(host_identity, cluster_identity))
        end as outer_pool_node_id,
        row_number() over (
            partition by license_id, consumer_identity
            order by
                is_elsewhere asc,
                recharged_cost desc nulls last,
                content_hash asc,
                page_number desc,
                row_number desc
        ) as place,
        bool_or(is_allocated) over consumers as is_allocated_anywhere,
        max(abs(coalesce(machine_consumption, recharged_consumption))) over consumers as most_consumed,
        max(abs(recharged_consumption)) over consumers as most_recharged
    from lines
    window consumers as (partition by license_id, consumer_identity)
),

-- Written by people, so read as paths and names are.
keys as (
    select
        mart.filled(license_id) as license_id,
        member_type,
        case member_type
            when 'cost_center' then mart.normalized_path(member)
            else lower(mart.filled(member))
        end as member,
        weight
    from mart.allocation_keys
),

-- The licenses with keys are few, and so are their consumers.
keyed as (
    select
        placed.license_id,
        placed.consumer_identity,
        keys.member_type,
        keys.member,
        keys.weight,
        row_number() over (
            partition by placed.license_id, placed.consumer_identity
            order by
                keys.member_type = 'cost_center' asc,
                keys.member_type desc,
                length(keys.member) desc,
                keys.weight desc
        ) as place
    from placed
    inner join keys
        on
            placed.license_id = keys.license_id
            and case keys.member_type
                when 'device' then keys.member in (lower(placed.device_id), lower(placed.device_name))
                when 'user' then keys.member in (lower(placed.user_id), lower(placed.user_name))
                else starts_with(lower(placed.cost_center) || '/', lower(keys.member) || '/')
            end
    where placed.place = 1
),

weights as (
    select
        license_id,
        consumer_identity,
        case member_type
            when 'cost_center' then weight / count(*) over (partition by license_id, member_type, member)
            else weight
        end as allocation_weight
    from keyed
    where place = 1
),

-- A cluster, or a host outside of clusters, that Oracle licenses have in common counts in one of them alone.
oracle_scopes as (
    select
        placed.license_id,
        coalesce(placed.cluster_node_id, placed.host_node_id) as scope_node_id,
        coalesce(max(placed.most_recharged), 0) as most_recharged
    from placed
    inner join intermediate.int_licenses
        on
            placed.license_id = int_licenses.license_id
            and int_licenses.load_id = %(load_id)s
    where
        lower(mart.filled(int_licenses.license_type)) = 'oracle processor'
        and coalesce(placed.cluster_node_id, placed.host_node_id) is not null
    group by
        placed.license_id,
        coalesce(placed.cluster_node_id, placed.host_node_id)
),

counted_elsewhere as (
    select
        idle.license_id,
        idle.scope_node_id
    from oracle_scopes as idle
    where
        idle.most_recharged = 0
        and exists (
            select 1
            from oracle_scopes as counting
            where counting.scope_node_id = idle.scope_node_id and counting.most_recharged > 0
        )
),

-- Who owes nothing, although installed or allocated. Without a join of placed with itself: the planner takes
-- it for three rows, and would compare each with each.
settled as (
    select
        placed.*,
        counted_elsewhere.license_id is not null
        or coalesce(
            placed.is_allocated_anywhere
            and placed.most_consumed = 0
            and coalesce(placed.most_recharged, 0) = 0,
            false
        ) as is_exempt
    from placed
    left join counted_elsewhere
        on
            placed.license_id = counted_elsewhere.license_id
            and coalesce(placed.cluster_node_id, placed.host_node_id) = counted_elsewhere.scope_node_id
    where placed.place = 1
),

consumers as (
    select
        settled.license_id,
        settled.consumer_identity as node_id,
        case
            when settled.user_identity is not null and settled.consumer_type = 'user' then 'user'
            when settled.device_type ~* 'cloud|instance' then 'instance'
            when settled.is_virtual_machine then 'virtual_machine'
            else 'device'
        end as node_type,
        coalesce(
            settled.pool_node_id, settled.outer_pool_node_id, settled.host_node_id, settled.cluster_node_id
        ) as parent_node_id,
        settled.host_node_id,
        settled.cluster_node_id,
        settled.cores,
        settled.capped_cores,
        settled.processors as sockets,
        case when settled.host_identity is null then settled.points_per_core end as points_per_core,
        settled.user_identity as account_id,
        case when settled.user_identity is not null then settled.device_identity end as machine_id,
        weights.allocation_weight,
        settled.installations,
        coalesce(settled.installations > 0, true) and not settled.is_exempt as has_installation,
        settled.is_allocated_anywhere and not settled.is_exempt as is_allocated,
        settled.is_exempt,
        settled.is_eligible_for_sub_capacity,
        coalesce(settled.device_type ~* 'cloud|instance', false) as is_cloud,
        settled.recharged_sum as recharged_consumption,
        settled.cost_sum as recharged_cost
    from settled
    left join weights
        on
            settled.license_id = weights.license_id
            and settled.consumer_identity = weights.consumer_identity
),

-- A pool is one node, although its rows may name different things around it.
pools as (
    select
        license_id,
        pool_node_id as node_id,
        'pool' as node_type,
        coalesce(max(outer_pool_node_id), max(host_node_id), max(cluster_node_id)) as parent_node_id,
        max(host_node_id) as host_node_id,
        max(cluster_node_id) as cluster_node_id,
        max(pool_cores) as capped_cores
    from placed
    where pool_node_id is not null
    group by
        license_id,
        pool_node_id
    union all
    select
        license_id,
        outer_pool_node_id as node_id,
        'outer_pool' as node_type,
        coalesce(max(host_node_id), max(cluster_node_id)) as parent_node_id,
        max(host_node_id) as host_node_id,
        max(cluster_node_id) as cluster_node_id,
        max(outer_pool_cores) as capped_cores
    from placed
    where outer_pool_node_id is not null
    group by
        license_id,
        outer_pool_node_id
),

host_figures as (
    select
        license_id,
        host_node_id,
        max(points_per_core) as points_per_core,
        max(host_processors) as sockets
    from placed
    where host_node_id is not null
    group by
        license_id,
        host_node_id
),

hosts as (
    select
        int_hosts.license_id,
        host_figures.host_node_id as node_id,
        'cluster ' || int_hosts.cluster_identity as cluster_node_id,
        int_hosts.cores,
        host_figures.sockets,
        host_figures.points_per_core
    from intermediate.int_hosts
    inner join host_figures
        on
            int_hosts.license_id = host_figures.license_id
            and 'host ' || int_hosts.host_identity = host_figures.host_node_id
    where int_hosts.load_id = %(load_id)s
),

cluster_figures as (
    select
        license_id,
        cluster_node_id,
        max(points_per_core) as points_per_core
    from placed
    where cluster_node_id is not null
    group by
        license_id,
        cluster_node_id
),

clusters as (
    select
        int_clusters.license_id,
        'cluster ' || int_clusters.cluster_identity as node_id,
        int_clusters.cores,
        cluster_figures.points_per_core
    from intermediate.int_clusters
    left join cluster_figures
        on
            int_clusters.license_id = cluster_figures.license_id
            and 'cluster ' || int_clusters.cluster_identity = cluster_figures.cluster_node_id
    where int_clusters.load_id = %(load_id)s
),

-- What stands around consumers: it has no installations and owes nothing itself.
containers as (
    select
        license_id,
        node_id,
        node_type,
        parent_node_id,
        host_node_id,
        cluster_node_id,
        null::numeric as cores,
        capped_cores,
        null::numeric as sockets,
        null::numeric as points_per_core
    from pools
    union all
    select
        license_id,
        node_id,
        'host' as node_type,
        cluster_node_id as parent_node_id,
        null as host_node_id,
        cluster_node_id,
        cores,
        null as capped_cores,
        sockets,
        points_per_core
    from hosts
    union all
    select
        license_id,
        node_id,
        'cluster' as node_type,
        null as parent_node_id,
        null as host_node_id,
        null as cluster_node_id,
        cores,
        null as capped_cores,
        null as sockets,
        points_per_core
    from clusters
),

nodes as (
    select * from consumers
    union all
    select
        license_id,
        node_id,
        node_type,
        parent_node_id,
        host_node_id,
        cluster_node_id,
        cores,
        capped_cores,
        sockets,
        points_per_core,
        null as account_id,
        null as machine_id,
        null as allocation_weight,
        null as installations,
        null as has_installation,
        null as is_allocated,
        false as is_exempt,
        null as is_eligible_for_sub_capacity,
        null as is_cloud,
        null as recharged_consumption,
        null as recharged_cost
    from containers
)

select
    %(load_id)s::bigint as load_id,
    license_id,
    node_id,
    node_type,
    parent_node_id,
    host_node_id,
    cluster_node_id,
    cores,
    capped_cores,
    sockets,
    points_per_core,
    account_id,
    machine_id,
    allocation_weight,
    installations,
    has_installation,
    is_allocated,
    is_exempt,
    is_eligible_for_sub_capacity,
    is_cloud,
    recharged_consumption,
    recharged_cost
from nodes
