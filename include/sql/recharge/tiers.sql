-- One row per license, method and node: the tiers of a price list apply once, to all units together;
-- consumers share the result by what they count. A tier per consumer would put each of them into the dear
-- first tier.
with

terms as (
    select * from intermediate.int_license_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'tiers'
),

machines as (
    select
        terms.term_number,
        terms.weight,
        nodes.node_id,
        nodes.node_type,
        greatest(
            coalesce(
                case terms.measure
                    when 'cores' then nodes.cores
                    when 'capped_cores' then least(nodes.cores, nodes.capped_cores)
                    when 'processors' then nodes.sockets
                    when 'threads' then coalesce(nodes.threads, nodes.cores)
                    when 'users' then coalesce(nodes.users, 1)
                    when 'installations' then coalesce(nodes.installations, 1)
                    else 1
                end,
                0
            ),
            0
        ) as counted
    from terms
    inner join intermediate.int_capacity_nodes as nodes on terms.license_id = nodes.license_id
    where
        nodes.load_id = %(load_id)s
        and nodes.license_id between %(first_license_id)s and %(last_license_id)s
        and nodes.level = 0
        and coalesce(nodes.has_installation, true)
),

sums as (
    select
        terms.term_number,
        terms.tier_list,
        coalesce(terms.license_quantity, sum(machines.counted), 0) as counted
    from terms
    left join machines on terms.term_number = machines.term_number
    group by terms.term_number, terms.tier_list, terms.license_quantity
),

tiers as (
    select
        tier_list,
        factor,
        up_to,
        coalesce(lag(up_to) over (partition by tier_list order by tier_number), 0) as above
    from mart.consumption_tiers
),

tiered as (
    select
        sums.term_number,
        sum(greatest(least(sums.counted, tiers.up_to) - tiers.above, 0) * tiers.factor) as exact_quantity
    from sums
    inner join tiers on sums.tier_list = tiers.tier_list
    group by sums.term_number
),

licenses as (
    select
        sums.term_number,
        sums.counted,
        coalesce(tiered.exact_quantity, 0) as exact_quantity,
        case terms.round_at
            when 'sum' then ceil(coalesce(tiered.exact_quantity, 0))
            else coalesce(tiered.exact_quantity, 0)
        end as quantity
    from sums
    inner join terms on sums.term_number = terms.term_number
    left join tiered on sums.term_number = tiered.term_number
)

select
    %(load_id)s as load_id,
    term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    counted,
    exact_quantity as capacity,
    quantity,
    quantity as weight
from licenses
union all
select
    %(load_id)s as load_id,
    term_number,
    0 as level,
    node_id,
    node_type,
    '' as parent_node_id,
    counted,
    counted as capacity,
    null as quantity,
    case weight when 'equal' then 1 else counted end as weight
from machines
