-- One row per license, method and node: each consumer counts by itself, then the license rounds and has its
-- minimum. What is counted (cores, processors, threads, users, installations, devices) is raised to the
-- minimums, multiplied by its factor and divided by what one right covers; nothing is shared but what
-- rounding and the minimum add. Those with an installation count, or those the license is allocated to.
with

terms as (
    select * from intermediate.int_rated_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'consumers'
),

measured as (
    select
        terms.term_number,
        nodes.node_id,
        nodes.node_type,
        nodes.account_id,
        nodes.socket_cores,
        nodes.sockets,
        terms.measure,
        terms.weight,
        terms.round_at,
        terms.least_per_processor,
        terms.least_per_device,
        greatest(
            case terms.measure
                when 'cores' then nodes.cores
                when 'capped_cores' then least(nodes.cores, nodes.capped_cores)
                when 'processors' then nodes.sockets
                when 'threads' then coalesce(nodes.threads, nodes.cores, nodes.sockets)
                when 'users' then coalesce(nodes.users, 1)
                when 'installations' then coalesce(nodes.installations, 1)
                else 1
            end,
            0
        ) as counted,
        case terms.factor_source
            when 'points_per_core' then coalesce(nodes.points_per_core, terms.factor, 0)
            when 'core_factor' then coalesce(nodes.core_factor, terms.factor, 0)
            else coalesce(terms.factor, 1)
        end as factor,
        coalesce(terms.units_per_right, cloud_vcpus.vcpus_per_right, 1) as units_per_right
    from terms
    inner join intermediate.int_rated_nodes as nodes on terms.license_id = nodes.license_id
    left join mart.cloud_vcpus
        on
            terms.cloud_list = cloud_vcpus.cloud_list
            and coalesce(nodes.is_hyperthreaded, true) = cloud_vcpus.is_hyperthreaded
    where
        nodes.load_id = %(load_id)s
        and nodes.license_id between %(first_license_id)s and %(last_license_id)s
        and nodes.level = 0
        and case when terms.is_by_allocation then nodes.is_allocated else nodes.has_installation end
),

-- An account that is listed more than once counts once, where its quantity is largest.
repeats as (
    select
        term_number,
        node_id
    from (
        select
            term_number,
            node_id,
            row_number() over (
                partition by term_number, account_id
                order by counted desc, node_id collate "C"
            ) as place
        from measured
        where measure = 'users' and account_id is not null
    ) as listed
    where place > 1
),

raised as (
    select
        measured.term_number,
        measured.node_id,
        measured.node_type,
        measured.counted,
        measured.factor,
        measured.units_per_right,
        measured.round_at,
        measured.weight,
        case
            when repeats.node_id is not null then 0
            when measured.measure in ('cores', 'capped_cores', 'threads')
                then greatest(
                    measured.counted,
                    measured.least_per_device,
                    case
                        when measured.socket_cores is null
                            then measured.least_per_processor * greatest(coalesce(measured.sockets, 1), 1)
                        else (
                            select sum(greatest(each_socket.cores, measured.least_per_processor))
                            from unnest(measured.socket_cores) as each_socket (cores)
                        )
                    end
                )
            else greatest(measured.counted, measured.least_per_device)
        end as capacity
    from measured
    left join repeats
        on
            measured.term_number = repeats.term_number
            and measured.node_id = repeats.node_id
),

-- Consumers of one factor are rounded together. ceil(points / units) is taken without dividing, so that
-- nothing is lost.
machines as (
    select
        *,
        capacity * factor as points,
        case round_at
            when 'partition'
                then div(capacity * factor, units_per_right) + sign(mod(capacity * factor, units_per_right))
        end as rounded_quantity,
        case round_at when 'group' then 'factor ' || trim_scale(factor) else '' end as parent_node_id
    from raised
),

factor_groups as (
    select
        term_number,
        parent_node_id as node_id,
        factor,
        units_per_right,
        sum(capacity) as capacity,
        sum(points) as points,
        div(sum(points), units_per_right) + sign(mod(sum(points), units_per_right)) as rounded_quantity
    from machines
    where round_at = 'group'
    group by term_number, parent_node_id, factor, units_per_right
),

sums as (
    select
        term_number,
        sum(points) as points,
        sum(points / units_per_right) as exact_quantity,
        sum(rounded_quantity) as rounded_each,
        max(units_per_right) as units_per_right
    from machines
    group by term_number
),

group_sums as (
    select
        term_number,
        sum(rounded_quantity) as rounded_groups
    from factor_groups
    group by term_number
),

counted_licenses as (
    select
        terms.term_number,
        terms.least_per_license,
        coalesce(sums.points, 0) as points,
        coalesce(sums.units_per_right, 1) as units_per_right,
        coalesce(sums.exact_quantity, 0) as exact_quantity,
        coalesce(
            case terms.round_at
                when 'partition' then sums.rounded_each
                when 'group' then group_sums.rounded_groups
                when 'sum'
                    then div(sums.points, sums.units_per_right) + sign(mod(sums.points, sums.units_per_right))
                else sums.points / sums.units_per_right
            end,
            0
        ) as rounded_quantity
    from terms
    left join sums on terms.term_number = sums.term_number
    left join group_sums on terms.term_number = group_sums.term_number
),

-- Who counts nothing owes no minimum.
licenses as (
    select
        term_number,
        points,
        units_per_right,
        exact_quantity,
        case
            when points > 0 then greatest(rounded_quantity, least_per_license)
            else rounded_quantity
        end as quantity
    from counted_licenses
),

residues as (
    select
        licenses.term_number,
        '' as parent_node_id,
        'rounding' as node_id,
        licenses.quantity * licenses.units_per_right - licenses.points as points,
        licenses.quantity - licenses.exact_quantity as quantity
    from licenses
    inner join terms on licenses.term_number = terms.term_number
    where terms.round_at in ('sum', 'none') and terms.residue_policy = 'separate_row'
    union all
    select
        factor_groups.term_number,
        factor_groups.node_id as parent_node_id,
        'rounding ' || factor_groups.node_id as node_id,
        factor_groups.rounded_quantity * factor_groups.units_per_right - factor_groups.points as points,
        factor_groups.rounded_quantity - factor_groups.points / factor_groups.units_per_right as quantity
    from factor_groups
    inner join terms on factor_groups.term_number = terms.term_number
    where terms.residue_policy = 'separate_row'
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
    term_number,
    4 as level,
    node_id,
    'factor_group' as node_type,
    '' as parent_node_id,
    points as counted,
    capacity,
    factor,
    rounded_quantity as quantity,
    rounded_quantity as weight
from factor_groups
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    node_id,
    node_type,
    parent_node_id,
    counted,
    capacity,
    factor,
    coalesce(rounded_quantity, points / units_per_right) as quantity,
    case
        when weight = 'equal' then 1
        when weight in ('cores', 'users', 'installations') then counted
        else coalesce(rounded_quantity, points)
    end as weight
from machines
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    node_id,
    'rounding' as node_type,
    parent_node_id,
    null as counted,
    null as capacity,
    null as factor,
    quantity,
    points as weight
from residues
where points > 0
