-- severity: fail
-- dimension: conservation
-- L1, L2, L3 and L7 of what is derived: what a method makes of a license, and of each host, cluster, pool or
-- group in it, is what stands under it, whichever method it is and the unallocated part included, to the last
-- digit of a share.
with

layers as (
    select
        layers.license_id,
        layers.method_id,
        layers.term_number,
        layers.node_id,
        layers.parent_node_id,
        layers.derived_consumption,
        terms.share_scale
    from intermediate.int_recharge_layers as layers
    inner join intermediate.int_license_terms as terms
        on
            layers.load_id = terms.load_id
            and layers.term_number = terms.term_number
    inner join intermediate.int_method_fits as fits
        on
            layers.load_id = fits.load_id
            and layers.term_number = fits.term_number
    where layers.load_id = %(load_id)s and fits.is_chosen
),

children as (
    select
        term_number,
        parent_node_id,
        sum(derived_consumption) as derived_consumption
    from (
        select
            term_number,
            parent_node_id,
            derived_consumption
        from intermediate.int_recharge_shares
        where load_id = %(load_id)s
        union all
        select
            term_number,
            parent_node_id,
            derived_consumption
        from layers
        where parent_node_id is not null
    ) as nodes
    group by
        term_number,
        parent_node_id
)

select
    layers.license_id,
    layers.method_id,
    layers.derived_consumption || ' under '
    || coalesce(nullif(layers.node_id, ''), 'the license') as expected,
    coalesce(children.derived_consumption, 0)::text as found
from layers
left join children
    on
        layers.term_number = children.term_number
        and layers.node_id = children.parent_node_id
where layers.derived_consumption <> round(coalesce(children.derived_consumption, 0), layers.share_scale)
order by
    layers.license_id,
    layers.node_id
