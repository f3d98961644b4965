-- One row per method of a license and parent: what the children of the parent weigh together.
select
    load_id,
    term_number,
    parent_node_id,
    sum(weight) as weight_total,
    bool_or(level > 0) as has_layers
from intermediate.int_recharge_quantities
where
    load_id = %(load_id)s
    and term_number between %(first_term)s and %(last_term)s
    and level < 5
    and not is_direct
group by load_id, term_number, parent_node_id
