-- One row per license the load holds, with or without rows: bought, consumed, recharged, and the residue.
with

licenses as (
    select * from intermediate.int_license_versions
    where load_id = %(load_id)s
),

taken_over as (
    select * from ops.taken_over_licenses
    where load_id = %(load_id)s
),

selected as (
    select
        load_licenses.license_id,
        extractions.status as extraction_status,
        -- Pages of a license that was deleted while it was read are not used.
        case extractions.status when 'complete' then extractions.row_count else 0 end as row_count,
        case extractions.status when 'complete' then extractions.page_count else 0 end as page_count
    from ops.load_licenses
    left join ops.extractions on load_licenses.extraction_id = extractions.extraction_id
    where
        load_licenses.load_id = %(load_id)s
        and load_licenses.is_selected
        and load_licenses.license_id not in (select taken_over.license_id from taken_over)
),

-- Materialized, so that a plan made without statistics still reads the charges once.
charges as materialized (
    select
        license_id,
        sum(machine_consumption) as machine_consumption,
        sum(recharged_consumption) as recharged_consumption,
        sum(recharged_cost) as recharged_cost,
        min(currency) as currency,
        max(recharged_consumption) as largest_consumption,
        sum(delta) filter (where delta_reason = 'override') as overridden,
        sum(delta) filter (where delta_reason = 'allocation_without_install') as allocated,
        sum(delta) filter (where delta_reason = 'access_filter') as filtered,
        sum(delta) filter (where delta_reason = 'oracle_rounding') as rounded,
        sum(delta) filter (where delta_reason = 'tier') as tiered
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by license_id
),

quarantined as materialized (
    select
        license_id,
        count(*) as row_count
    from ops.quarantined_rows
    where load_id = %(load_id)s
    group by license_id
),

-- Consumption is rounded up once for each of these.
factor_groups as (
    select
        license_id,
        count(distinct node_id) as factor_count
    from intermediate.int_recharge_layers
    where load_id = %(load_id)s and node_id like 'factor %%'
    group by license_id
),

-- What the chosen method counts, what of it stands in a row of rounding, whether a method that rounds once
-- per factor counts what the license consumes, and how much a minimum of users adds where one does.
derived as materialized (
    select
        terms.license_id,
        max(case when fits.is_chosen then fits.derived_consumption end) as derived_consumption,
        max(
            case
                when fits.is_chosen and terms.residue_policy = 'separate_row'
                    then fits.unallocated_consumption
            end
        ) as set_apart,
        bool_or(
            terms.round_at = 'group'
            and abs(fits.derived_consumption - licenses.consumed) <= 0.00001
        ) as is_rounded_total,
        max(
            case
                when
                    terms.family = 'named_users'
                    and abs(fits.derived_consumption - licenses.consumed) <= 0.00001
                    then quantities.quantity - quantities.counted
            end
        ) as added_by_minimum
    from intermediate.int_license_terms as terms
    inner join intermediate.int_method_fits as fits
        on
            terms.load_id = fits.load_id
            and terms.term_number = fits.term_number
    inner join licenses on terms.license_id = licenses.license_id
    left join intermediate.int_recharge_quantities as quantities
        on
            terms.load_id = quantities.load_id
            and terms.term_number = quantities.term_number
            and terms.family = 'named_users'
            and quantities.level = 5
    where terms.load_id = %(load_id)s
    group by terms.license_id
),

measured as (
    select
        licenses.license_key,
        licenses.license_id,
        licenses.license_type,
        licenses.purchased,
        licenses.consumed,
        coalesce(charges.machine_consumption, 0) as machine_consumption,
        coalesce(charges.recharged_consumption, 0) as recharged_consumption,
        coalesce(charges.recharged_cost, 0) as recharged_cost,
        charges.currency,
        licenses.consumed - coalesce(charges.recharged_consumption, 0) as residue,
        charges.overridden,
        charges.allocated,
        charges.filtered,
        charges.rounded,
        charges.tiered,
        derived.derived_consumption,
        derived.set_apart,
        derived.is_rounded_total,
        derived.added_by_minimum,
        coalesce(factor_groups.factor_count, 1) as factor_count,
        0.00001 * selected.row_count as rounding,
        selected.row_count,
        selected.page_count,
        quarantined.row_count is not null as has_unread_rows,
        -- Without a row to compare with, as much as the license consumes.
        case
            when quarantined.row_count < selected.row_count
                then quarantined.row_count * charges.largest_consumption
            else licenses.consumed
        end as unread_consumption,
        case
            when selected.extraction_status is null then 'failed'
            when selected.extraction_status = 'deleted' then 'deleted'
            when selected.row_count = 0 then 'empty'
            else 'loaded'
        end as status
    from selected
    inner join licenses on selected.license_id = licenses.license_id
    left join charges on selected.license_id = charges.license_id
    left join derived on selected.license_id = derived.license_id
    left join quarantined on selected.license_id = quarantined.license_id
    left join factor_groups on selected.license_id = factor_groups.license_id
),

positions as (
    select
        measured.license_key,
        measured.license_id,
        measured.purchased,
        measured.consumed,
        measured.machine_consumption,
        measured.recharged_consumption,
        measured.recharged_cost,
        measured.currency,
        measured.residue,
        case
            when measured.residue = 0 then null
            when measured.residue is null then 'consumption_unknown'
            when measured.status = 'failed' then 'not_loaded'
            when measured.status = 'deleted' then 'license_deleted'
            when measured.row_count = 0 then 'consumption_without_rows'
            -- What the rows with a reason differ by is what the license differs by.
            when abs(measured.residue + measured.overridden) <= measured.rounding then 'override'
            when abs(measured.residue + measured.allocated) <= measured.rounding
                then 'allocation_without_install'
            when abs(measured.residue + measured.filtered) <= measured.rounding then 'access_filter'
            -- Rows that could not be read leave nothing to what the type may explain beside them.
            when measured.has_unread_rows
                then
                    case
                        when measured.residue between 0 and measured.unread_consumption + measured.rounding
                            then 'rows_quarantined'
                        else 'unexplained'
                    end
            -- What the type explains, as far as the figures show it: a row is rounded up by less than one,
            -- the license by less than one per factor.
            when
                case license_types.residue_reason
                    when 'oracle_rounding'
                        then
                            measured.residue > -measured.row_count
                            and measured.residue < measured.factor_count
                            and (
                                abs(measured.residue + measured.rounded) <= measured.rounding
                                or abs(measured.residue - measured.set_apart) <= measured.rounding
                                or (
                                    measured.is_rounded_total
                                    and measured.residue < 0
                                    and abs(
                                        measured.recharged_consumption - measured.derived_consumption
                                    ) <= measured.rounding
                                )
                            )
                    when 'oracle_nup_minimum'
                        then
                            measured.residue > 0
                            and measured.residue <= measured.added_by_minimum + measured.rounding
                    when 'rvu_tier' then abs(measured.residue + measured.tiered) <= measured.rounding
                    else measured.residue > 0 and measured.residue <= measured.consumed
                end
                then coalesce(license_types.residue_reason, 'unexplained')
            else 'unexplained'
        end as residue_reason,
        measured.row_count,
        measured.page_count,
        measured.status,
        null::bigint as carried_from_load_id
    from measured
    left join mart.license_types on lower(measured.license_type) = lower(license_types.license_type)
    union all
    select
        fct_license_positions.license_key,
        fct_license_positions.license_id,
        fct_license_positions.purchased,
        fct_license_positions.consumed,
        fct_license_positions.machine_consumption,
        fct_license_positions.recharged_consumption,
        fct_license_positions.recharged_cost,
        fct_license_positions.currency,
        fct_license_positions.residue,
        fct_license_positions.residue_reason,
        fct_license_positions.row_count,
        fct_license_positions.page_count,
        case
            when fct_license_positions.status in ('carried_forward', 'deleted')
                then fct_license_positions.status
            else taken_over.status
        end as status,
        case
            when 'carried_forward' in (taken_over.status, fct_license_positions.status)
                then coalesce(fct_license_positions.carried_from_load_id, fct_license_positions.load_id)
        end as carried_from_load_id
    from taken_over
    inner join mart.fct_license_positions
        on
            taken_over.from_load_id = fct_license_positions.load_id
            and taken_over.from_snapshot_date = fct_license_positions.snapshot_date
            and taken_over.license_id = fct_license_positions.license_id
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_key,
    license_id,
    purchased,
    consumed,
    machine_consumption,
    recharged_consumption,
    recharged_cost,
    currency,
    residue,
    residue_reason,
    row_count,
    page_count,
    status,
    carried_from_load_id
from positions
