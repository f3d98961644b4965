-- One row per license and consumer: what the consumer owes.
-- Licenses taken over from an earlier load come with the rows they have there.
with

lines as (
    select * from intermediate.int_consumer_lines
    where load_id = %(load_id)s
),

licenses as (
    select
        license_id,
        license_key,
        product_key,
        license_type,
        consumed
    from intermediate.int_license_versions
    where load_id = %(load_id)s
),

consumers as (
    select * from intermediate.int_consumers
    where load_id = %(load_id)s
),

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

product_uses as (
    select
        license_id,
        consumer_key,
        product_key
    from mart.fct_product_uses
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s and is_main
),

chosen as (
    select
        terms.term_number,
        terms.license_id,
        terms.method_id,
        terms.family,
        fits.recharged_consumption,
        fits.derived_consumption,
        fits.unallocated_consumption,
        fits.matching_count < fits.consumer_count as has_deltas,
        terms.license_quantity is null as is_counted,
        prices.currency_quantum
    from intermediate.int_license_terms as terms
    inner join intermediate.int_method_fits as fits
        on
            terms.load_id = fits.load_id
            and terms.term_number = fits.term_number
    left join intermediate.int_license_prices as prices
        on
            terms.load_id = prices.load_id
            and terms.license_id = prices.license_id
    where terms.load_id = %(load_id)s and fits.is_chosen
),

shares as not materialized (
    select * from intermediate.int_recharge_shares
    where load_id = %(load_id)s
),

-- Consumers with rows that somebody overrode, or that are allocated without an installation, and whether
-- these are recharged just that: the override, or one for each allocation.
adjusted as (
    select
        lines.license_id,
        lines.consumer_identity,
        bool_and(
            case
                when raw_lines.overridden_consumption <> 0
                    then abs(lines.recharged_consumption - raw_lines.overridden_consumption) <= 0.00001
            end
        ) as is_overridden,
        bool_and(
            case
                when raw_lines.is_allocated and coalesce(raw_lines.consuming_installations, 0) = 0
                    then abs(lines.recharged_consumption - 1) <= 0.00001
            end
        ) as is_allocated
    from intermediate.int_consumption_lines as raw_lines
    inner join lines
        on
            raw_lines.license_id = lines.license_id
            and raw_lines.page_number = lines.page_number
            and raw_lines.row_number = lines.row_number
    where
        raw_lines.load_id = %(load_id)s
        and (
            raw_lines.overridden_consumption <> 0
            or (raw_lines.is_allocated and coalesce(raw_lines.consuming_installations, 0) = 0)
        )
    group by
        lines.license_id,
        lines.consumer_identity
),

-- The other consumers of a license that a method does not fit, beside what it gives them.
differing as (
    select
        shares.term_number,
        shares.parent_node_id,
        coalesce(nodes.recharged_consumption, 0) as recharged_consumption,
        shares.derived_consumption,
        least(nodes.cores, nodes.capped_cores) as cores
    from chosen
    inner join shares on chosen.term_number = shares.term_number
    inner join intermediate.int_capacity_nodes as nodes
        on
            chosen.license_id = nodes.license_id
            and shares.node_id = nodes.node_id
    left join adjusted
        on
            chosen.license_id = adjusted.license_id
            and shares.node_id = adjusted.consumer_identity
    where
        nodes.load_id = %(load_id)s
        and nodes.level = 0
        and chosen.has_deltas
        and not coalesce(adjusted.is_overridden, false)
        and not coalesce(adjusted.is_allocated, false)
),

-- Where all consumers under one host, cluster or pool are off by the same factor, they share as the method
-- says, but another total.
parents as (
    select
        term_number,
        parent_node_id,
        sum(recharged_consumption) as recharged_consumption,
        sum(derived_consumption) as derived_consumption,
        sum(cores) as cores
    from differing
    group by
        term_number,
        parent_node_id
),

-- And so where all consumers of the license are.
wholes as (
    select
        term_number,
        sum(recharged_consumption) as recharged_consumption,
        sum(derived_consumption) as derived_consumption
    from differing
    group by term_number
),

price_lists as (
    select
        tier_list,
        factor,
        up_to,
        coalesce(lag(up_to) over (partition by tier_list order by tier_number), 0) as above
    from mart.consumption_tiers
),

-- What tiers make of a consumer: a rate of the list for all units that a method counts of it, as where the
-- sum stands at another point of the list, or what it is charged where it is put into the tiers by itself.
rated as (
    select
        consumers.license_id,
        consumers.consumer_identity,
        consumers.recharged_consumption,
        bool_or(
            abs(consumers.recharged_consumption - nodes.counted * price_lists.factor) <= 0.00001
        ) as is_at_rate,
        sum(greatest(least(nodes.counted, price_lists.up_to) - price_lists.above, 0) * price_lists.factor)
            as own_consumption
    from chosen
    inner join intermediate.int_license_terms as terms on chosen.license_id = terms.license_id
    inner join price_lists on terms.tier_list = price_lists.tier_list
    inner join intermediate.int_recharge_quantities as nodes on terms.term_number = nodes.term_number
    inner join consumers
        on
            chosen.license_id = consumers.license_id
            and nodes.node_id = consumers.consumer_identity
    where
        chosen.has_deltas
        and terms.load_id = %(load_id)s
        and terms.family = 'tiers'
        and nodes.load_id = %(load_id)s
        and nodes.level = 0
        and nodes.counted > 0
    group by
        consumers.license_id,
        consumers.consumer_identity,
        consumers.recharged_consumption,
        terms.term_number
),

tiered as (
    select
        license_id,
        consumer_identity
    from rated
    where is_at_rate or abs(recharged_consumption - own_consumption) <= 0.00001
    group by
        license_id,
        consumer_identity
),

-- Licenses that a key would split, and that have none.
without_key as (
    select terms.license_id
    from intermediate.int_license_terms as terms
    where
        terms.load_id = %(load_id)s
        and terms.weight in ('configured', 'percent')
        and not exists (
            select 1 from mart.allocation_keys
            where mart.filled(allocation_keys.license_id) = terms.license_id
        )
    group by terms.license_id
),

compared as (
    select
        consumers.*,
        licenses.license_key,
        licenses.product_key,
        licenses.consumed,
        license_types.residue_reason,
        chosen.method_id,
        chosen.family,
        chosen.recharged_consumption as license_recharged,
        chosen.derived_consumption as license_derived,
        chosen.unallocated_consumption,
        chosen.is_counted,
        coalesce(chosen.currency_quantum, 0.01) as currency_quantum,
        coalesce(adjusted.is_overridden, false) as is_overridden,
        coalesce(adjusted.is_allocated, false) as is_allocated,
        tiered.license_id is not null as is_in_tiers,
        without_key.license_id is not null as is_without_key,
        shares.derived_consumption,
        shares.derived_cost,
        shares.price_per_right,
        shares.weight,
        shares.weight_total,
        shares.parent_node_id,
        shares.parent_consumption,
        case
            when chosen.method_id is not null
                then coalesce(consumers.recharged_consumption, 0) - coalesce(shares.derived_consumption, 0)
        end as delta,
        parents.cores as parent_cores,
        parents.recharged_consumption / nullif(parents.derived_consumption, 0) as parent_ratio,
        abs(
            consumers.recharged_consumption * parents.derived_consumption
            - shares.derived_consumption * parents.recharged_consumption
        ) <= 0.00001 * abs(parents.derived_consumption) as is_in_proportion,
        wholes.derived_consumption > 0
        and wholes.recharged_consumption > wholes.derived_consumption
        and abs(
            consumers.recharged_consumption * wholes.derived_consumption
            - shares.derived_consumption * wholes.recharged_consumption
        ) <= 0.00001 * wholes.derived_consumption as has_part_of_more
    from consumers
    left join licenses on consumers.license_id = licenses.license_id
    left join mart.license_types on lower(licenses.license_type) = lower(license_types.license_type)
    left join chosen on consumers.license_id = chosen.license_id
    left join adjusted
        on
            consumers.license_id = adjusted.license_id
            and consumers.consumer_identity = adjusted.consumer_identity
    left join tiered
        on
            consumers.license_id = tiered.license_id
            and consumers.consumer_identity = tiered.consumer_identity
    left join without_key on consumers.license_id = without_key.license_id
    left join shares
        on
            chosen.term_number = shares.term_number
            and consumers.consumer_identity = shares.node_id
    left join parents
        on
            shares.term_number = parents.term_number
            and shares.parent_node_id = parents.parent_node_id
    left join wholes on chosen.term_number = wholes.term_number
),

charged as (
    select
        compared.license_key,
        compared.consumer_key,
        compared.host_key,
        compared.cluster_key,
        compared.location_key,
        compared.cost_center_key,
        compared.corporate_unit_key,
        coalesce(product_uses.product_key, compared.product_key) as product_key,
        compared.license_id,
        compared.cores,
        compared.host_installed_cores,
        compared.host_consuming_cores,
        compared.cluster_installed_cores,
        compared.cluster_consuming_cores,
        compared.consuming_installations,
        compared.machine_consumption,
        compared.host_consumption,
        compared.cost_per_right,
        compared.recharged_consumption,
        compared.recharged_cost,
        compared.currency,
        compared.recharge_approach,
        compared.line_count,
        compared.derived_consumption,
        compared.derived_cost,
        compared.price_per_right as derived_price,
        compared.method_id,
        compared.delta,
        -- Of several reasons the first counts, in the order of mart.delta_reasons.precedence.
        case
            when compared.family = 'as_recharged' then 'rule_unknown'
            when abs(compared.delta) <= 0.00001
                then
                    case
                        when
                            compared.derived_cost is null
                            and compared.recharged_consumption <> 0
                            and coalesce(compared.recharged_cost, 1) <> 0
                            then 'price_missing'
                        when
                            abs(coalesce(compared.recharged_cost, 0) - compared.derived_cost)
                            > compared.currency_quantum
                            then 'unexplained'
                    end
            when compared.is_overridden then 'override'
            when compared.is_allocated then 'allocation_without_install'
            -- A row is rounded up from its share, or from the points it counts itself.
            when
                compared.residue_reason = 'oracle_rounding'
                and abs(compared.delta) < 1
                and (
                    compared.recharged_consumption = ceil(round(compared.derived_consumption, 6))
                    or (
                        (compared.parent_node_id = '' or compared.parent_node_id like 'factor %%')
                        and compared.recharged_consumption = ceil(compared.weight)
                    )
                )
                then 'oracle_rounding'
            when
                compared.residue_reason = 'pvu_peak_vs_current'
                and compared.has_part_of_more
                and compared.license_recharged <= compared.consumed + 0.00001
                then 'pvu_peak_vs_current'
            -- Of its host or cluster more is installed than the rows show, where it says how much.
            when
                compared.is_counted
                and compared.is_in_proportion
                and compared.parent_ratio > 0
                and compared.parent_ratio < 1
                and abs(compared.consumed - compared.license_derived) <= 0.00001
                and coalesce(
                    compared.parent_cores < case
                        when compared.parent_node_id like 'cluster %%' then compared.cluster_installed_cores
                        else compared.host_installed_cores
                    end,
                    true
                )
                then 'access_filter'
            when compared.residue_reason = 'rvu_tier' and compared.is_in_tiers then 'tier'
            when compared.is_without_key then 'key_missing'
            when
                compared.consumer_type = 'unallocated'
                or (
                    compared.delta * compared.unallocated_consumption > 0
                    and abs(compared.delta) <= abs(compared.unallocated_consumption) + 0.00001
                    and abs(compared.license_recharged - compared.license_derived) <= 0.00001
                )
                then 'owner_unallocated'
            when compared.method_id is not null then 'unexplained'
        end as delta_reason,
        compared.weight as derived_weight,
        compared.weight_total as derived_weight_total,
        compared.parent_node_id as derived_parent_id,
        compared.parent_consumption as derived_parent_consumption,
        null::bigint as carried_from_load_id
    from compared
    left join product_uses
        on
            compared.license_id = product_uses.license_id
            and compared.consumer_key = product_uses.consumer_key
    union all
    select
        fct_chargeback.license_key,
        fct_chargeback.consumer_key,
        fct_chargeback.host_key,
        fct_chargeback.cluster_key,
        fct_chargeback.location_key,
        fct_chargeback.cost_center_key,
        fct_chargeback.corporate_unit_key,
        fct_chargeback.product_key,
        fct_chargeback.license_id,
        fct_chargeback.cores,
        fct_chargeback.host_installed_cores,
        fct_chargeback.host_consuming_cores,
        fct_chargeback.cluster_installed_cores,
        fct_chargeback.cluster_consuming_cores,
        fct_chargeback.consuming_installations,
        fct_chargeback.machine_consumption,
        fct_chargeback.host_consumption,
        fct_chargeback.cost_per_right,
        fct_chargeback.recharged_consumption,
        fct_chargeback.recharged_cost,
        fct_chargeback.currency,
        fct_chargeback.recharge_approach,
        fct_chargeback.line_count,
        fct_chargeback.derived_consumption,
        fct_chargeback.derived_cost,
        fct_chargeback.derived_price,
        fct_chargeback.method_id,
        fct_chargeback.delta,
        fct_chargeback.delta_reason,
        fct_chargeback.derived_weight,
        fct_chargeback.derived_weight_total,
        fct_chargeback.derived_parent_id,
        fct_chargeback.derived_parent_consumption,
        case taken_over.status
            when 'carried_forward' then coalesce(fct_chargeback.carried_from_load_id, fct_chargeback.load_id)
            else fct_chargeback.carried_from_load_id
        end as carried_from_load_id
    from taken_over
    inner join mart.fct_chargeback
        on
            taken_over.from_load_id = fct_chargeback.load_id
            and taken_over.from_snapshot_date = fct_chargeback.snapshot_date
            and taken_over.license_id = fct_chargeback.license_id
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_key,
    consumer_key,
    host_key,
    cluster_key,
    location_key,
    cost_center_key,
    corporate_unit_key,
    product_key,
    license_id,
    cores,
    host_installed_cores,
    host_consuming_cores,
    cluster_installed_cores,
    cluster_consuming_cores,
    consuming_installations,
    machine_consumption,
    host_consumption,
    cost_per_right,
    recharged_consumption,
    recharged_cost,
    currency,
    recharge_approach,
    line_count,
    derived_consumption,
    derived_cost,
    derived_price,
    method_id,
    delta,
    delta_reason,
    method_id is not null and delta_reason is null as is_reconciled,
    derived_weight,
    derived_weight_total,
    derived_parent_id,
    derived_parent_consumption,
    carried_from_load_id is not null as is_carried_forward,
    carried_from_load_id
from charged
