-- One row per license, chosen method and consumer: its share, what it costs, and the figures that explain
-- both. Shares are settled as in layers.sql, again among all siblings. What nobody has a weight for goes
-- to a consumer "unallocated". Money is rounded once per license: every cost down to whole minor units,
-- those left over by largest remainder; ties by node_id.
with

-- cost = units x cost_per_unit / cost_divisor, in minor units: both stay whole or exact until the division.
-- license_cost is rounded half up, the only rounding of money there is.
terms as (
    select
        terms.load_id,
        terms.term_number,
        terms.license_id,
        terms.method_id,
        terms.family,
        licenses.derived_consumption as license_consumption,
        licenses.sign * terms.share_quantum as share_quantum,
        licenses.sign * sign(prices.price_numerator) * prices.currency_quantum as currency_quantum,
        abs(prices.price_numerator) * prices.currency_units * terms.share_quantum as cost_per_unit,
        prices.price_denominator as cost_divisor,
        div(
            2 * licenses.units * abs(prices.price_numerator) * prices.currency_units * terms.share_quantum
            + prices.price_denominator,
            2 * prices.price_denominator
        ) as license_cost,
        prices.price_per_right
    from intermediate.int_license_terms as terms
    inner join intermediate.int_recharge_layers as licenses
        on
            terms.load_id = licenses.load_id
            and terms.term_number = licenses.term_number
    inner join intermediate.int_method_fits as fits
        on
            terms.load_id = fits.load_id
            and terms.term_number = fits.term_number
    left join intermediate.int_license_prices as prices
        on
            terms.load_id = prices.load_id
            and terms.license_id = prices.license_id
    where
        terms.load_id = %(load_id)s
        and terms.term_number between %(first_term)s and %(last_term)s
        and licenses.term_number between %(first_term)s and %(last_term)s
        and licenses.level = 5
        and (fits.is_chosen or %(all_shares)s::boolean)
),

parents as (
    select
        layers.term_number,
        layers.node_id,
        layers.origin_node_id,
        layers.units,
        layers.derived_consumption as consumption,
        layers.origin_consumption,
        siblings.weight_total,
        row_number() over () as parent_number
    from intermediate.int_recharge_layers as layers
    inner join terms on layers.term_number = terms.term_number
    left join intermediate.int_recharge_siblings as siblings
        on
            layers.load_id = siblings.load_id
            and layers.term_number = siblings.term_number
            and layers.node_id = siblings.parent_node_id
            and siblings.term_number between %(first_term)s and %(last_term)s
    where
        layers.load_id = %(load_id)s
        and layers.term_number between %(first_term)s and %(last_term)s
),

-- "offset 0" keeps what is calculated from being calculated again wherever it is used.
weighed as (
    select
        parents.term_number,
        parents.parent_number,
        nodes.level,
        nodes.node_id,
        nodes.node_type,
        nodes.weight,
        parents.units as parent_units,
        parents.weight_total,
        parents.units * nodes.weight as dividend
    from intermediate.int_recharge_quantities as nodes
    inner join parents
        on
            nodes.term_number = parents.term_number
            and nodes.parent_node_id = parents.node_id
    where
        nodes.load_id = %(load_id)s
        and nodes.term_number between %(first_term)s and %(last_term)s
        and nodes.level < 5
        and not nodes.is_direct
    offset 0 -- noqa: AM09
),

-- Units and weights may have decimals; their quotient is cut to whole units without being rounded.
divided as (
    select
        *,
        case when weight_total > 0 then div(dividend, weight_total) else 0 end as whole_units
    from weighed
    union all
    select
        parents.term_number,
        parents.parent_number,
        0 as level,
        'unallocated at ' || parents.node_id as node_id,
        'unallocated' as node_type,
        0 as weight,
        parents.units as parent_units,
        0 as weight_total,
        0 as dividend,
        parents.units as whole_units
    from parents
    inner join terms on parents.term_number = terms.term_number
    where coalesce(parents.weight_total, 0) = 0 and parents.units > 0 and terms.family <> 'as_recharged'
),

ranked as (
    select
        *,
        parent_units - sum(whole_units) over siblings as left_over,
        row_number() over siblings as place
    from divided
    window
        siblings as (
            partition by term_number, parent_number
            order by dividend - whole_units * weight_total desc, node_id collate "C"
            rows between unbounded preceding and unbounded following
        )
),

shared as (
    select
        term_number,
        parent_number,
        node_id,
        node_type,
        weight,
        weight_total,
        case when weight_total > 0 and place <= left_over then whole_units + 1 else whole_units end as units
    from ranked
    -- nearly all; "level = 0" would be expected to leave next to nothing
    where level < 1
    offset 0 -- noqa: AM09
),

priced as (
    select
        shared.*,
        terms.license_cost,
        terms.cost_divisor,
        shared.units * terms.cost_per_unit as cost_dividend
    from shared
    inner join terms on shared.term_number = terms.term_number
    offset 0 -- noqa: AM09
),

costs as (
    select
        *,
        case cost_divisor
            when 1 then trunc(cost_dividend)
            else div(cost_dividend, cost_divisor)
        end as whole_cost
    from priced
    offset 0 -- noqa: AM09
),

ranked_costs as (
    select
        *,
        license_cost - sum(whole_cost) over consumers as cost_left_over,
        row_number() over consumers as cost_place
    from costs
    window
        consumers as (
            partition by term_number
            order by cost_dividend - whole_cost * cost_divisor desc, node_id collate "C"
            rows between unbounded preceding and unbounded following
        )
)

select
    terms.load_id,
    terms.term_number,
    terms.license_id,
    terms.method_id,
    ranked_costs.node_id,
    ranked_costs.node_type,
    parents.node_id as parent_node_id,
    parents.origin_node_id,
    terms.license_consumption,
    parents.origin_consumption,
    parents.consumption as parent_consumption,
    ranked_costs.weight,
    ranked_costs.weight_total,
    ranked_costs.units * terms.share_quantum as derived_consumption,
    case
        when ranked_costs.cost_place <= ranked_costs.cost_left_over then ranked_costs.whole_cost + 1
        else ranked_costs.whole_cost
    end * terms.currency_quantum as derived_cost,
    terms.price_per_right
from ranked_costs
inner join terms on ranked_costs.term_number = terms.term_number
inner join parents on ranked_costs.parent_number = parents.parent_number
union all
select
    terms.load_id,
    terms.term_number,
    terms.license_id,
    terms.method_id,
    nodes.node_id,
    nodes.node_type,
    '' as parent_node_id,
    '' as origin_node_id,
    terms.license_consumption,
    terms.license_consumption as origin_consumption,
    terms.license_consumption as parent_consumption,
    nodes.weight,
    nodes.weight as weight_total,
    nodes.quantity as derived_consumption,
    nodes.given_cost as derived_cost,
    terms.price_per_right
from intermediate.int_recharge_quantities as nodes
inner join terms on nodes.term_number = terms.term_number
where
    nodes.load_id = %(load_id)s
    and nodes.term_number between %(first_term)s and %(last_term)s
    and nodes.level = 0
    and nodes.is_direct
union all
-- An exempt consumer owes nothing.
select
    terms.load_id,
    terms.term_number,
    terms.license_id,
    terms.method_id,
    nodes.node_id,
    nodes.node_type,
    '' as parent_node_id,
    '' as origin_node_id,
    terms.license_consumption,
    terms.license_consumption as origin_consumption,
    terms.license_consumption as parent_consumption,
    0 as weight,
    0 as weight_total,
    0 as derived_consumption,
    case when terms.price_per_right is not null then 0 end as derived_cost,
    terms.price_per_right
from intermediate.int_capacity_nodes as nodes
inner join terms on nodes.license_id = terms.license_id
where
    nodes.load_id = %(load_id)s
    and nodes.is_exempt
    and terms.family <> 'as_recharged'
