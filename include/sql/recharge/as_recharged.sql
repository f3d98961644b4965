-- One row per license, method and node: each consumer owes what the API recharges to it; nothing is worked
-- out. The honest answer for a type whose rule is not known, and the yardstick for those that are.
with

terms as (
    select * from intermediate.int_license_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'as_recharged'
),

machines as (
    select
        terms.term_number,
        nodes.node_id,
        nodes.node_type,
        coalesce(nodes.recharged_consumption, 0) as quantity,
        nodes.recharged_cost
    from terms
    inner join intermediate.int_capacity_nodes as nodes on terms.license_id = nodes.license_id
    where
        nodes.load_id = %(load_id)s
        and nodes.license_id between %(first_license_id)s and %(last_license_id)s
        and nodes.level = 0
),

sums as (
    select
        term_number,
        sum(quantity) as quantity
    from machines
    group by term_number
)

select
    %(load_id)s as load_id,
    terms.term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    coalesce(sums.quantity, 0) as quantity,
    abs(coalesce(sums.quantity, 0)) as weight,
    null::numeric as given_cost,
    false as is_direct
from terms
left join sums on terms.term_number = sums.term_number
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    node_id,
    node_type,
    '' as parent_node_id,
    quantity,
    abs(quantity) as weight,
    recharged_cost as given_cost,
    true as is_direct
from machines
