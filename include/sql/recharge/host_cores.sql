-- One row per license, method and node: every host counts all its cores, raised to the minimums of the
-- vendor, once for every so many virtual machines. A machine without a host is its own. Where machines may
-- move within a cluster, each host counts the machines of the whole cluster, and the cluster shares what its
-- hosts count together.
with

terms as (
    select * from intermediate.int_rated_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'host_cores'
),

nodes as not materialized (
    select * from intermediate.int_capacity_nodes
    where
        load_id = %(load_id)s
        and license_id between %(first_license_id)s and %(last_license_id)s
),

machines as (
    select
        terms.term_number,
        terms.scope,
        terms.weight,
        nodes.license_id,
        nodes.node_id,
        nodes.node_type,
        nodes.host_node_id,
        nodes.cluster_node_id,
        case
            when terms.scope = 'cluster' then coalesce(nodes.cluster_node_id, nodes.host_node_id)
            else coalesce(nodes.host_node_id, nodes.cluster_node_id)
        end as scope_node_id,
        greatest(coalesce(nodes.cores, 0), 0) as counted,
        greatest(coalesce(least(nodes.cores, nodes.capped_cores), 0), 0) as capacity,
        terms.least_per_processor
    from terms
    inner join nodes on terms.license_id = nodes.license_id
    where nodes.level = 0 and coalesce(nodes.has_installation, true)
),

scopes as (
    select
        term_number,
        license_id,
        scope_node_id,
        count(*) as machine_count
    from machines
    where scope_node_id is not null
    group by term_number, license_id, scope_node_id
),

-- The hosts that count: those with a machine on them, and all of a cluster that machines may move in. A
-- cluster counts like a host where its machines name no host.
servers as (
    select
        scopes.term_number,
        scopes.license_id,
        scopes.scope_node_id,
        scopes.machine_count,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        nodes.cores,
        nodes.sockets,
        nodes.socket_cores
    from scopes
    inner join terms on scopes.term_number = terms.term_number
    inner join nodes
        on
            scopes.license_id = nodes.license_id
            and scopes.scope_node_id = nodes.node_id
    where
        terms.scope = 'host'
        or nodes.level = 3
        or not exists (
            select 1
            from nodes as hosts
            where
                hosts.license_id = nodes.license_id
                and hosts.cluster_node_id = nodes.node_id
                and hosts.level = 3
        )
    union all
    select
        scopes.term_number,
        scopes.license_id,
        scopes.scope_node_id,
        scopes.machine_count,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        nodes.cores,
        nodes.sockets,
        nodes.socket_cores
    from scopes
    inner join terms on scopes.term_number = terms.term_number
    inner join nodes
        on
            scopes.license_id = nodes.license_id
            and scopes.scope_node_id = nodes.cluster_node_id
    where terms.scope = 'cluster' and nodes.level = 3
    union all
    select
        machines.term_number,
        machines.license_id,
        null as scope_node_id,
        1 as machine_count,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        nodes.cores,
        nodes.sockets,
        nodes.socket_cores
    from machines
    inner join nodes
        on
            machines.license_id = nodes.license_id
            and machines.node_id = nodes.node_id
    where machines.scope_node_id is null
),

counted_servers as (
    select
        servers.term_number,
        servers.license_id,
        servers.scope_node_id,
        servers.node_id,
        servers.node_type,
        servers.level,
        coalesce(servers.cores, 0) as counted,
        greatest(
            coalesce(servers.cores, 0),
            terms.least_per_device,
            case
                when servers.socket_cores is null
                    then terms.least_per_processor * greatest(coalesce(servers.sockets, 1), 1)
                else (
                    select sum(greatest(each_socket.cores, terms.least_per_processor))
                    from unnest(servers.socket_cores) as each_socket (cores)
                )
            end,
            0
        ) as capacity,
        coalesce(
            greatest(
                div(servers.machine_count, terms.machines_per_layer)
                + sign(mod(servers.machine_count, terms.machines_per_layer)),
                1
            ),
            1
        ) as layer_count
    from servers
    inner join terms on servers.term_number = terms.term_number
),

scope_sums as (
    select
        term_number,
        license_id,
        scope_node_id,
        sum(counted) as counted,
        sum(capacity) as capacity,
        max(layer_count) as layer_count,
        sum(capacity * layer_count) as quantity
    from counted_servers
    where scope_node_id is not null
    group by term_number, license_id, scope_node_id
),

sums as (
    select
        term_number,
        sum(capacity * layer_count) as points
    from counted_servers
    group by term_number
),

counted_licenses as (
    select
        terms.term_number,
        coalesce(sums.points, 0) as points,
        coalesce(terms.units_per_right, 1) as units_per_right,
        case when sums.points > 0 then terms.least_per_license end as least_quantity
    from terms
    left join sums on terms.term_number = sums.term_number
),

licenses as (
    select
        term_number,
        points,
        case units_per_right
            when 1 then greatest(points, least_quantity)
            else greatest(
                div(points, units_per_right) + sign(mod(points, units_per_right)), least_quantity
            )
        end as quantity
    from counted_licenses
)

select
    %(load_id)s as load_id,
    term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    points as counted,
    null::numeric as capacity,
    null::numeric as factor,
    quantity,
    quantity as weight
from licenses
union all
select
    %(load_id)s as load_id,
    scope_sums.term_number,
    nodes.level,
    nodes.node_id,
    nodes.node_type,
    '' as parent_node_id,
    scope_sums.counted,
    scope_sums.capacity,
    scope_sums.layer_count as factor,
    scope_sums.quantity,
    scope_sums.quantity as weight
from scope_sums
inner join nodes
    on
        scope_sums.license_id = nodes.license_id
        and scope_sums.scope_node_id = nodes.node_id
union all
select
    %(load_id)s as load_id,
    machines.term_number,
    0 as level,
    machines.node_id,
    machines.node_type,
    coalesce(machines.scope_node_id, '') as parent_node_id,
    machines.counted,
    coalesce(counted_servers.capacity, machines.capacity) as capacity,
    counted_servers.layer_count as factor,
    counted_servers.capacity * counted_servers.layer_count as quantity,
    case
        when counted_servers.node_id is not null
            then counted_servers.capacity * counted_servers.layer_count
        when machines.weight = 'equal' then 1
        when machines.weight = 'capped_cores' then machines.capacity
        when machines.weight = 'quantity' then greatest(machines.counted, machines.least_per_processor)
        else machines.counted
    end as weight
from machines
left join counted_servers
    on
        machines.term_number = counted_servers.term_number
        and machines.node_id = counted_servers.node_id
        and counted_servers.scope_node_id is null
