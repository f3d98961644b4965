-- One row per license, method and node: cores counted upward through every cap, from machines to pools,
-- hosts, license. A pool or host uses what is in it, never more than it has. One machine that is not eligible
-- for sub-capacity makes its host count in full. Where each partition is rounded up, so is the cap of a pool.
-- Shares go down the same layers, or straight from the host where the method is flat. A license whose
-- quantity is given only has it shared.
with

terms as (
    select * from intermediate.int_license_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'capacity'
),

-- Read twice, and too wide to be written down in between.
nodes as not materialized (
    select * from intermediate.int_rated_nodes
    where
        load_id = %(load_id)s
        and license_id between %(first_license_id)s and %(last_license_id)s
),

measured as (
    select
        terms.term_number,
        nodes.license_id,
        nodes.node_id,
        nodes.node_type,
        nodes.parent_node_id,
        nodes.host_node_id,
        not coalesce(nodes.is_eligible_for_sub_capacity, true) as is_ineligible,
        terms.is_sub_capacity
        or nodes.parent_node_id is not null as is_capped,
        terms.round_at,
        case terms.measure
            when 'threads'
                then coalesce(case when nodes.is_cloud then nodes.threads end, nodes.cores, nodes.sockets, 0)
            when 'processors' then coalesce(nodes.sockets, 0)
            else coalesce(nodes.cores, 0)
        end as counted,
        nodes.capped_cores,
        case terms.factor_source
            when 'points_per_core' then coalesce(nodes.points_per_core, terms.factor, 0)
            when 'core_factor' then coalesce(nodes.core_factor, terms.factor, 0)
            else coalesce(terms.factor, 1)
        end as factor
    from terms
    inner join nodes on terms.license_id = nodes.license_id
    where nodes.level = 0 and nodes.has_installation
),

capped as (
    select
        *,
        greatest(case when is_capped then least(counted, capped_cores) else counted end, 0) as capacity
    from measured
),

machines as (
    select
        term_number,
        license_id,
        node_id,
        node_type,
        parent_node_id,
        host_node_id,
        is_ineligible,
        counted,
        case round_at when 'partition' then ceil(capacity) else capacity end as capacity,
        factor
    from capped
),

inside_pools as (
    select
        term_number,
        license_id,
        parent_node_id,
        sum(capacity) as counted,
        bool_or(is_ineligible) as has_ineligible
    from machines
    where parent_node_id is not null
    group by term_number, license_id, parent_node_id
),

pools as (
    select
        terms.term_number,
        nodes.license_id,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        nodes.parent_node_id,
        nodes.host_node_id,
        inside_pools.has_ineligible,
        inside_pools.counted,
        greatest(
            case terms.round_at
                when 'partition' then ceil(least(inside_pools.counted, nodes.capped_cores))
                else least(inside_pools.counted, nodes.capped_cores)
            end,
            0
        ) as capacity
    from inside_pools
    inner join terms on inside_pools.term_number = terms.term_number
    inner join nodes
        on
            inside_pools.license_id = nodes.license_id
            and inside_pools.parent_node_id = nodes.node_id
    where nodes.level = 1
),

inside_outer_pools as (
    select
        term_number,
        license_id,
        parent_node_id,
        sum(counted) as counted,
        bool_or(has_ineligible) as has_ineligible
    from (
        select
            term_number,
            license_id,
            parent_node_id,
            counted,
            has_ineligible
        from inside_pools
        union all
        select
            term_number,
            license_id,
            parent_node_id,
            capacity as counted,
            has_ineligible
        from pools
    ) as contents
    where parent_node_id is not null
    group by term_number, license_id, parent_node_id
),

outer_pools as (
    select
        terms.term_number,
        nodes.license_id,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        nodes.parent_node_id,
        nodes.host_node_id,
        inside_outer_pools.has_ineligible,
        inside_outer_pools.counted,
        greatest(
            case terms.round_at
                when 'partition' then ceil(least(inside_outer_pools.counted, nodes.capped_cores))
                else least(inside_outer_pools.counted, nodes.capped_cores)
            end,
            0
        ) as capacity
    from inside_outer_pools
    inner join terms on inside_outer_pools.term_number = terms.term_number
    inner join nodes
        on
            inside_outer_pools.license_id = nodes.license_id
            and inside_outer_pools.parent_node_id = nodes.node_id
    where nodes.level = 2
),

all_pools as (
    select * from pools
    union all
    select * from outer_pools
),

inside_hosts as (
    select
        term_number,
        license_id,
        parent_node_id,
        sum(counted) as counted,
        bool_or(has_ineligible) as has_ineligible
    from (
        select
            term_number,
            license_id,
            parent_node_id,
            counted,
            has_ineligible
        from inside_outer_pools
        union all
        select
            term_number,
            license_id,
            parent_node_id,
            capacity as counted,
            has_ineligible
        from outer_pools
    ) as contents
    where parent_node_id is not null
    group by term_number, license_id, parent_node_id
),

-- A cluster holds machines of its own where their host is not known.
hosts as (
    select
        terms.term_number,
        nodes.license_id,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        inside_hosts.counted,
        greatest(
            case
                when terms.is_sub_capacity and not inside_hosts.has_ineligible
                    then least(inside_hosts.counted, nodes.cores)
                else coalesce(nodes.cores, 0)
            end,
            0
        ) as capacity,
        case terms.factor_source
            when 'points_per_core' then coalesce(nodes.points_per_core, terms.factor, 0)
            when 'core_factor' then coalesce(nodes.core_factor, terms.factor, 0)
            else coalesce(terms.factor, 1)
        end as factor
    from inside_hosts
    inner join terms on inside_hosts.term_number = terms.term_number
    inner join nodes
        on
            inside_hosts.license_id = nodes.license_id
            and inside_hosts.parent_node_id = nodes.node_id
    where nodes.level in (3, 4)
),

-- What stands under the license itself: hosts, and machines or pools without one.
topmost as (
    select
        term_number,
        node_id,
        capacity,
        factor
    from hosts
    union all
    select
        term_number,
        node_id,
        capacity,
        factor
    from machines
    where parent_node_id is null
    union all
    select
        all_pools.term_number,
        all_pools.node_id,
        all_pools.capacity,
        coalesce(terms.factor, case terms.factor_source when 'none' then 1 else 0 end) as factor
    from all_pools
    inner join terms on all_pools.term_number = terms.term_number
    where all_pools.parent_node_id is null
),

factor_groups as (
    select
        topmost.term_number,
        topmost.factor,
        terms.round_at,
        sum(topmost.capacity) as capacity,
        sum(topmost.capacity) * topmost.factor as exact_quantity,
        case terms.round_at
            when 'group' then ceil(sum(topmost.capacity) * topmost.factor)
            else sum(topmost.capacity) * topmost.factor
        end as quantity
    from topmost
    inner join terms on topmost.term_number = terms.term_number
    group by topmost.term_number, topmost.factor, terms.round_at
),

licenses as (
    select
        terms.term_number,
        terms.license_id,
        coalesce(sum(factor_groups.capacity), 0) as capacity,
        coalesce(sum(factor_groups.quantity), 0) as exact_quantity,
        coalesce(
            terms.license_quantity,
            case terms.round_at
                when 'sum' then ceil(sum(factor_groups.quantity))
                else sum(factor_groups.quantity)
            end,
            0
        ) as quantity
    from terms
    left join factor_groups on terms.term_number = factor_groups.term_number
    group by terms.term_number, terms.license_id, terms.round_at, terms.license_quantity
)

select
    %(load_id)s as load_id,
    term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    exact_quantity as counted,
    capacity,
    null::numeric as factor,
    quantity,
    abs(quantity) as weight
from licenses
union all
select
    %(load_id)s as load_id,
    term_number,
    4 as level,
    'factor ' || trim_scale(factor) as node_id,
    'factor_group' as node_type,
    '' as parent_node_id,
    exact_quantity as counted,
    capacity,
    factor,
    quantity,
    quantity as weight
from factor_groups
where round_at = 'group'
union all
select
    %(load_id)s as load_id,
    hosts.term_number,
    hosts.level,
    hosts.node_id,
    hosts.node_type,
    case terms.round_at
        when 'group' then 'factor ' || trim_scale(hosts.factor)
        else ''
    end as parent_node_id,
    hosts.counted,
    hosts.capacity,
    hosts.factor,
    hosts.capacity * hosts.factor as quantity,
    hosts.capacity * hosts.factor as weight
from hosts
inner join terms on hosts.term_number = terms.term_number
union all
select
    %(load_id)s as load_id,
    all_pools.term_number,
    all_pools.level,
    all_pools.node_id,
    all_pools.node_type,
    coalesce(
        all_pools.parent_node_id,
        case terms.round_at when 'group' then 'factor ' || trim_scale(topmost.factor) else '' end
    ) as parent_node_id,
    all_pools.counted,
    all_pools.capacity,
    topmost.factor,
    all_pools.capacity * topmost.factor as quantity,
    all_pools.capacity * coalesce(topmost.factor, 1) as weight
from all_pools
inner join terms on all_pools.term_number = terms.term_number
left join topmost
    on
        all_pools.term_number = topmost.term_number
        and all_pools.node_id = topmost.node_id
where terms.layers = 'layered' or all_pools.host_node_id is null
union all
select
    %(load_id)s as load_id,
    machines.term_number,
    0 as level,
    machines.node_id,
    machines.node_type,
    case
        when terms.layers = 'flat' and machines.host_node_id is not null then machines.host_node_id
        when machines.parent_node_id is not null then machines.parent_node_id
        when terms.round_at = 'group' then 'factor ' || trim_scale(machines.factor)
        else ''
    end as parent_node_id,
    machines.counted,
    machines.capacity,
    case when machines.parent_node_id is null then machines.factor end as factor,
    case when machines.parent_node_id is null then machines.capacity * machines.factor end as quantity,
    case
        when machines.parent_node_id is null then machines.capacity * machines.factor
        when terms.weight = 'equal' then 1
        when terms.weight = 'cores' then greatest(machines.counted, 0)
        else machines.capacity
    end as weight
from machines
inner join terms on machines.term_number = terms.term_number
union all
select
    %(load_id)s as load_id,
    factor_groups.term_number,
    0 as level,
    'rounding factor ' || trim_scale(factor_groups.factor) as node_id,
    'rounding' as node_type,
    'factor ' || trim_scale(factor_groups.factor) as parent_node_id,
    null as counted,
    null as capacity,
    null as factor,
    factor_groups.quantity - factor_groups.exact_quantity as quantity,
    factor_groups.quantity - factor_groups.exact_quantity as weight
from factor_groups
inner join terms on factor_groups.term_number = terms.term_number
where
    terms.residue_policy = 'separate_row'
    and terms.round_at = 'group'
    and factor_groups.quantity > factor_groups.exact_quantity
union all
select
    %(load_id)s as load_id,
    licenses.term_number,
    0 as level,
    'rounding' as node_id,
    'rounding' as node_type,
    '' as parent_node_id,
    null as counted,
    null as capacity,
    null as factor,
    licenses.quantity - licenses.exact_quantity as quantity,
    licenses.quantity - licenses.exact_quantity as weight
from licenses
inner join terms on licenses.term_number = terms.term_number
where terms.residue_policy = 'separate_row' and licenses.quantity > licenses.exact_quantity
