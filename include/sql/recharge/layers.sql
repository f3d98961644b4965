-- One row per license, method and node above the consumers: its share of what its parent has. Run once for
-- the license itself (level 6) and then for the parents of each level downward (5 to 2), so that a parent's
-- share is there before its children's. A share is the parent's units times the node's weight over the
-- siblings' weight: whole units first, the units left over by largest remainder among all siblings, consumers
-- included. So every layer adds up to the one above, to the last digit.
with

terms as (
    select * from intermediate.int_license_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
),

nodes as not materialized (
    select * from intermediate.int_recharge_quantities
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and not is_direct
),

parents as (
    select
        int_recharge_layers.term_number,
        int_recharge_layers.node_id,
        int_recharge_layers.level,
        int_recharge_layers.origin_node_id,
        int_recharge_layers.origin_units,
        int_recharge_layers.sign,
        int_recharge_layers.units,
        int_recharge_siblings.weight_total
    from intermediate.int_recharge_layers
    inner join intermediate.int_recharge_siblings
        on
            int_recharge_layers.load_id = int_recharge_siblings.load_id
            and int_recharge_layers.term_number = int_recharge_siblings.term_number
            and int_recharge_layers.node_id = int_recharge_siblings.parent_node_id
    where
        int_recharge_layers.load_id = %(load_id)s
        and int_recharge_layers.term_number between %(first_term)s and %(last_term)s
        and int_recharge_layers.level = %(level)s
        and int_recharge_siblings.term_number between %(first_term)s and %(last_term)s
        and int_recharge_siblings.has_layers
),

divided as (
    select
        nodes.term_number,
        nodes.node_id,
        nodes.node_type,
        nodes.parent_node_id,
        nodes.level,
        parents.level = 5 as is_origin,
        parents.origin_node_id,
        parents.origin_units,
        parents.sign,
        parents.units as parent_units,
        parents.weight_total,
        parents.units * nodes.weight as dividend,
        coalesce(div(parents.units * nodes.weight, nullif(parents.weight_total, 0)), 0) as whole_units
    from nodes
    inner join parents
        on
            nodes.term_number = parents.term_number
            and nodes.parent_node_id = parents.node_id
),

ranked as (
    select
        *,
        parent_units - sum(whole_units) over siblings as left_over,
        row_number() over siblings as place
    from divided
    window
        siblings as (
            partition by term_number, parent_node_id
            order by dividend - whole_units * weight_total desc, node_id collate "C"
            rows between unbounded preceding and unbounded following
        )
),

shared as (
    select
        term_number,
        node_id,
        node_type,
        parent_node_id,
        level,
        sign,
        case when is_origin then node_id else origin_node_id end as origin_node_id,
        case when is_origin then null else origin_units end as origin_units,
        case when weight_total > 0 and place <= left_over then whole_units + 1 else whole_units end as units
    from ranked
    where level > 0
    union all
    select
        nodes.term_number,
        nodes.node_id,
        nodes.node_type,
        nodes.parent_node_id,
        nodes.level,
        sign(nodes.quantity) as sign,
        nodes.node_id as origin_node_id,
        null as origin_units,
        round(abs(nodes.quantity) * terms.share_units) as units
    from nodes
    inner join terms on nodes.term_number = terms.term_number
    where nodes.level = 5 and %(level)s = 6
)

select
    terms.load_id,
    shared.term_number,
    terms.license_id,
    terms.method_id,
    shared.level,
    shared.node_id,
    shared.node_type,
    shared.parent_node_id,
    shared.origin_node_id,
    shared.sign,
    coalesce(shared.origin_units, shared.units) as origin_units,
    shared.sign * coalesce(shared.origin_units, shared.units) * terms.share_quantum as origin_consumption,
    shared.units,
    shared.sign * shared.units * terms.share_quantum as derived_consumption
from shared
inner join terms on shared.term_number = terms.term_number
