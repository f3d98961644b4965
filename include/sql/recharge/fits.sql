-- One row per license and method: how well it gives what the API recharges, and whether it is chosen. The
-- one that gives most consumers what they are recharged, to the fifth decimal, is chosen; of two, the one
-- whose other consumers are nearer in sum, then the likelier by the catalog. What a consumer has a share
-- of is compared before the last unit is handed out, which is far below that decimal.
with

terms as (
    select
        terms.term_number,
        terms.license_id,
        terms.family,
        terms.share_scale,
        licenses.derived_consumption,
        licenses.sign * terms.share_quantum as share_quantum
    from intermediate.int_license_terms as terms
    inner join intermediate.int_recharge_layers as licenses
        on
            terms.load_id = licenses.load_id
            and terms.term_number = licenses.term_number
    where
        terms.load_id = %(load_id)s
        and terms.term_number between %(first_term)s and %(last_term)s
        and licenses.term_number between %(first_term)s and %(last_term)s
        and licenses.level = 5
),

parents as (
    select
        layers.term_number,
        layers.node_id,
        layers.units * terms.share_quantum / nullif(siblings.weight_total, 0) as consumption_per_weight
    from intermediate.int_recharge_layers as layers
    inner join terms on layers.term_number = terms.term_number
    inner join intermediate.int_recharge_siblings as siblings
        on
            layers.load_id = siblings.load_id
            and layers.term_number = siblings.term_number
            and layers.node_id = siblings.parent_node_id
            and siblings.term_number between %(first_term)s and %(last_term)s
    where
        layers.load_id = %(load_id)s
        and layers.term_number between %(first_term)s and %(last_term)s
),

consumers as (
    select
        license_id,
        node_id,
        coalesce(recharged_consumption, 0) as recharged
    from intermediate.int_capacity_nodes
    where
        load_id = %(load_id)s
        and license_id between %(first_license_id)s and %(last_license_id)s
        and level = 0
),

licenses as (
    select
        license_id,
        count(*) as consumer_count,
        count(*) filter (where abs(recharged) <= 0.00001) as idle_count,
        sum(abs(recharged)) filter (where abs(recharged) > 0.00001) as deviation,
        sum(recharged) as recharged
    from consumers
    group by license_id
),

derived as (
    select
        terms.term_number,
        consumers.recharged,
        coalesce(
            case
                when nodes.is_direct then nodes.quantity
                else nodes.weight * parents.consumption_per_weight
            end,
            0
        ) as derived
    from intermediate.int_recharge_quantities as nodes
    inner join terms on nodes.term_number = terms.term_number
    inner join consumers
        on
            terms.license_id = consumers.license_id
            and nodes.node_id = consumers.node_id
    left join parents
        on
            nodes.term_number = parents.term_number
            and nodes.parent_node_id = parents.node_id
    where
        nodes.load_id = %(load_id)s
        and nodes.term_number between %(first_term)s and %(last_term)s
        and nodes.level < 1
    offset 0 -- noqa: AM09
),

-- Against a method that gives nothing to anybody, which is right for those who are recharged nothing.
compared as (
    select
        term_number,
        count(*) filter (where abs(recharged - derived) <= 0.00001)
        - count(*) filter (where abs(recharged) <= 0.00001) as matching_gain,
        coalesce(sum(abs(recharged - derived)) filter (where abs(recharged - derived) > 0.00001), 0)
        - coalesce(sum(abs(recharged)) filter (where abs(recharged) > 0.00001), 0) as deviation_gain,
        sum(derived) as derived
    from derived
    group by term_number
),

fits as (
    select
        terms.term_number,
        terms.license_id,
        terms.family,
        coalesce(licenses.consumer_count, 0) as consumer_count,
        coalesce(licenses.idle_count, 0) + coalesce(compared.matching_gain, 0) as matching_count,
        round(coalesce(licenses.deviation, 0) + coalesce(compared.deviation_gain, 0), 6) as deviation,
        coalesce(licenses.recharged, 0) as recharged_consumption,
        terms.derived_consumption,
        round(terms.derived_consumption - coalesce(compared.derived, 0), 9) as unallocated_consumption
    from terms
    left join licenses on terms.license_id = licenses.license_id
    left join compared on terms.term_number = compared.term_number
)

select
    %(load_id)s as load_id,
    term_number,
    consumer_count,
    matching_count,
    deviation,
    recharged_consumption,
    derived_consumption,
    unallocated_consumption,
    row_number() over (
        partition by license_id
        order by
            family = 'as_recharged' asc,
            matching_count desc,
            deviation asc,
            term_number asc
    ) = 1 as is_chosen
from fits
