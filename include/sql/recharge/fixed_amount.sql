-- One row per license, method and node: a consumption that is typed in or bought as a whole, split by a
-- configured key. Percentages that do not reach 100 leave the rest unallocated; where nobody has a weight,
-- all of it is.
with

terms as (
    select * from intermediate.int_license_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'fixed_amount'
),

machines as (
    select
        terms.term_number,
        terms.weight as key_name,
        nodes.node_id,
        nodes.node_type,
        greatest(
            coalesce(
                case terms.weight
                    when 'equal' then 1
                    when 'users' then nodes.users
                    when 'cores' then nodes.cores
                    when 'capped_cores' then least(nodes.cores, nodes.capped_cores)
                    when 'processors' then nodes.sockets
                    when 'installations' then nodes.installations
                    else nodes.allocation_weight
                end,
                0
            ),
            0
        ) as weight
    from terms
    inner join intermediate.int_capacity_nodes as nodes on terms.license_id = nodes.license_id
    where
        nodes.load_id = %(load_id)s
        and nodes.license_id between %(first_license_id)s and %(last_license_id)s
        and nodes.level = 0
        and nodes.node_type <> 'unallocated'
        and coalesce(nodes.has_installation, true)
),

unreached as (
    select
        term_number,
        100 - sum(weight) as weight
    from machines
    where key_name = 'percent'
    group by term_number
    having sum(weight) between 0 and 100
)

select
    %(load_id)s as load_id,
    term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    coalesce(license_quantity, 0) as quantity,
    abs(coalesce(license_quantity, 0)) as weight
from terms
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    node_id,
    node_type,
    '' as parent_node_id,
    null as quantity,
    weight
from machines
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    'unallocated at ' as node_id,
    'unallocated' as node_type,
    '' as parent_node_id,
    null as quantity,
    weight
from unreached
where weight > 0 and weight < 100
