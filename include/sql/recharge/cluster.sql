-- One row per license, method and node: all cores of a cluster count as soon as one machine in it has the
-- software. Its points are shared over the machines with an installation, whatever host they are on. A host
-- without a cluster, and a device without a host, is a cluster of its own. Factors are kept apart: fractions
-- round per factor.
with

terms as (
    select * from intermediate.int_license_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'cluster'
),

nodes as not materialized (
    select
        *,
        case level
            when 0 then coalesce(cluster_node_id, host_node_id, node_id)
            when 3 then coalesce(cluster_node_id, node_id)
            else node_id
        end as scope_node_id
    from intermediate.int_rated_nodes
    where
        load_id = %(load_id)s
        and license_id between %(first_license_id)s and %(last_license_id)s
        and level in (0, 3, 4)
),

machines as (
    select
        terms.term_number,
        nodes.license_id,
        nodes.node_id,
        nodes.node_type,
        nodes.scope_node_id,
        greatest(coalesce(nodes.cores, 0), 0) as counted,
        greatest(coalesce(least(nodes.cores, nodes.capped_cores), 0), 0) as capacity,
        case terms.factor_source
            when 'none' then coalesce(terms.factor, 1)
            else coalesce(nodes.core_factor, terms.factor, 0)
        end as factor,
        terms.weight
    from terms
    inner join nodes on terms.license_id = nodes.license_id
    where nodes.level = 0 and nodes.has_installation
),

scopes as (
    select
        term_number,
        license_id,
        scope_node_id
    from machines
    where scope_node_id <> node_id
    group by term_number, license_id, scope_node_id
),

parts as (
    select
        scopes.term_number,
        scopes.scope_node_id,
        nodes.level,
        greatest(coalesce(nodes.cores, 0), 0) as cores,
        case terms.factor_source
            when 'none' then coalesce(terms.factor, 1)
            else coalesce(nodes.core_factor, terms.factor, 0)
        end as factor
    from scopes
    inner join terms on scopes.term_number = terms.term_number
    inner join nodes
        on
            scopes.license_id = nodes.license_id
            and scopes.scope_node_id = nodes.scope_node_id
    where nodes.level in (3, 4)
),

-- The cluster's own figure holds hosts that no row names, as nothing is installed there.
cores_by_factor as (
    select
        term_number,
        scope_node_id,
        factor,
        sum(cores) as cores
    from (
        select
            term_number,
            scope_node_id,
            factor,
            cores
        from parts
        where level = 3
        union all
        select
            parts.term_number,
            parts.scope_node_id,
            parts.factor,
            greatest(
                parts.cores - coalesce(
                    sum(hosts.cores),
                    0
                ),
                0
            ) as cores
        from parts
        left join parts as hosts
            on
                parts.term_number = hosts.term_number
                and parts.scope_node_id = hosts.scope_node_id
                and hosts.level = 3
        where parts.level = 4
        group by parts.term_number, parts.scope_node_id, parts.factor, parts.cores
        union all
        select
            term_number,
            scope_node_id,
            factor,
            counted as cores
        from machines
        where scope_node_id = node_id
    ) as counted_parts
    group by term_number, scope_node_id, factor
),

scope_points as (
    select
        term_number,
        scope_node_id,
        sum(cores) as cores,
        sum(cores * factor) as exact_quantity,
        case when count(*) = 1 then max(factor) end as factor
    from cores_by_factor
    group by term_number, scope_node_id
),

factor_groups as (
    select
        cores_by_factor.term_number,
        sum(cores_by_factor.cores) * cores_by_factor.factor as exact_quantity,
        case terms.round_at
            when 'group' then ceil(sum(cores_by_factor.cores) * cores_by_factor.factor)
            else sum(cores_by_factor.cores) * cores_by_factor.factor
        end as quantity
    from cores_by_factor
    inner join terms on cores_by_factor.term_number = terms.term_number
    group by cores_by_factor.term_number, cores_by_factor.factor, terms.round_at
),

partitions as (
    select
        term_number,
        sum(ceil(exact_quantity)) as quantity
    from scope_points
    group by term_number
),

licenses as (
    select
        terms.term_number,
        coalesce(sum(factor_groups.exact_quantity), 0) as exact_quantity,
        case terms.round_at
            when 'partition' then coalesce(max(partitions.quantity), 0)
            when 'sum' then ceil(coalesce(sum(factor_groups.quantity), 0))
            else coalesce(sum(factor_groups.quantity), 0)
        end as quantity
    from terms
    left join factor_groups on terms.term_number = factor_groups.term_number
    left join partitions on terms.term_number = partitions.term_number
    group by terms.term_number, terms.round_at
)

select
    %(load_id)s as load_id,
    term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    exact_quantity as counted,
    null::numeric as capacity,
    null::numeric as factor,
    quantity,
    quantity as weight
from licenses
union all
select
    %(load_id)s as load_id,
    scopes.term_number,
    nodes.level,
    nodes.node_id,
    nodes.node_type,
    '' as parent_node_id,
    scope_points.cores as counted,
    scope_points.cores as capacity,
    scope_points.factor,
    scope_points.exact_quantity as quantity,
    scope_points.exact_quantity as weight
from scopes
inner join intermediate.int_capacity_nodes as nodes
    on
        scopes.license_id = nodes.license_id
        and scopes.scope_node_id = nodes.node_id
inner join scope_points
    on
        scopes.term_number = scope_points.term_number
        and scopes.scope_node_id = scope_points.scope_node_id
where
    nodes.load_id = %(load_id)s
    and nodes.license_id between %(first_license_id)s and %(last_license_id)s
    and nodes.level in (3, 4)
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    node_id,
    node_type,
    case when scope_node_id = node_id then '' else scope_node_id end as parent_node_id,
    counted,
    capacity,
    case when scope_node_id = node_id then factor end as factor,
    case when scope_node_id = node_id then counted * factor end as quantity,
    case
        when scope_node_id = node_id then counted * factor
        when weight = 'equal' then 1
        when weight = 'capped_cores' then capacity
        else counted
    end as weight
from machines
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
