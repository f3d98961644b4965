-- One row per license and consumer: what the consumer owes.
-- Repeats of a consumer are summed; its attributes are those of its last line. Licenses taken over from an
-- earlier load come with the rows they have there.
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
        license_type
    from intermediate.int_license_versions
    where load_id = %(load_id)s
),

consumers as (
    select
        license_id,
        consumer_identity,
        max(array[page_number, row_number]) as last_line,
        sum(consuming_installations) as consuming_installations,
        sum(machine_consumption) as machine_consumption,
        sum(recharged_consumption) as recharged_consumption,
        sum(recharged_cost) as recharged_cost,
        count(*) as line_count
    from lines
    group by license_id, consumer_identity
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
        terms.family
    from intermediate.int_license_terms as terms
    inner join intermediate.int_method_fits as fits
        on
            terms.load_id = fits.load_id
            and terms.term_number = fits.term_number
    where terms.load_id = %(load_id)s and fits.is_chosen
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
            where allocation_keys.license_id = terms.license_id
        )
    group by terms.license_id
),

charged as (
    select
        licenses.license_key,
        lines.consumer_key,
        lines.host_key,
        lines.cluster_key,
        lines.location_key,
        lines.cost_center_key,
        lines.corporate_unit_key,
        coalesce(product_uses.product_key, licenses.product_key) as product_key,
        consumers.license_id,
        lines.cores,
        lines.host_installed_cores,
        lines.host_consuming_cores,
        lines.cluster_installed_cores,
        lines.cluster_consuming_cores,
        consumers.consuming_installations,
        consumers.machine_consumption,
        lines.host_consumption,
        lines.cost_per_right,
        consumers.recharged_consumption,
        consumers.recharged_cost,
        lines.currency,
        lines.recharge_approach,
        consumers.line_count,
        shares.derived_consumption,
        shares.derived_cost,
        chosen.method_id,
        case
            when chosen.method_id is not null
                then coalesce(consumers.recharged_consumption, 0) - coalesce(shares.derived_consumption, 0)
        end as delta,
        case
            when chosen.family = 'as_recharged' then 'rule_unknown'
            when
                abs(coalesce(consumers.recharged_consumption, 0) - coalesce(shares.derived_consumption, 0))
                <= 0.00001
                then
                    case
                        when abs(consumers.recharged_cost - shares.derived_cost) > 0.01 then 'unexplained'
                    end
            when coalesce(raw_lines.overridden_consumption, 0) <> 0 then 'override'
            when raw_lines.is_allocated and coalesce(raw_lines.consuming_installations, 0) = 0
                then 'allocation_without_install'
            when
                license_types.residue_reason = 'oracle_rounding'
                and abs(
                    coalesce(consumers.recharged_consumption, 0) - coalesce(shares.derived_consumption, 0)
                ) < 1
                then 'oracle_rounding'
            when license_types.residue_reason = 'rvu_tier' then 'tier'
            when without_key.license_id is not null then 'key_missing'
            when chosen.method_id is not null then 'unexplained'
        end as delta_reason,
        shares.weight as derived_weight,
        shares.weight_total as derived_weight_total,
        shares.parent_node_id as derived_parent_id,
        shares.parent_consumption as derived_parent_consumption,
        null::bigint as carried_from_load_id
    from consumers
    inner join lines
        on
            consumers.license_id = lines.license_id
            and consumers.last_line[1] = lines.page_number
            and consumers.last_line[2] = lines.row_number
    left join licenses on consumers.license_id = licenses.license_id
    left join mart.license_types on lower(licenses.license_type) = lower(license_types.license_type)
    left join intermediate.int_consumption_lines as raw_lines
        on
            lines.load_id = raw_lines.load_id
            and lines.license_id = raw_lines.license_id
            and lines.page_number = raw_lines.page_number
            and lines.row_number = raw_lines.row_number
    left join product_uses
        on consumers.license_id = product_uses.license_id and lines.consumer_key = product_uses.consumer_key
    left join chosen on consumers.license_id = chosen.license_id
    left join without_key on consumers.license_id = without_key.license_id
    left join intermediate.int_recharge_shares as shares
        on
            lines.load_id = shares.load_id
            and chosen.term_number = shares.term_number
            and consumers.consumer_identity = shares.node_id
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
