-- Why does a cost center (or, with null, everybody) pay more or less than the month before, by license type?
-- A charge of both months changes by its quantity (at the old price), by its price (at the new quantity) and by its
-- owner: the old cost leaves one cost center and enters another, which over all cost centers is zero. Consumers that
-- come and go are quantity; licenses that come and go are effects of their own. All effects add up to the difference.
with

asked as (
    select
        '12345' as org_id,
        date '2026-11-01' as month,
        null::text as cost_center
),

nights as (
    select
        month.snapshot_date,
        month.previous_snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
),

charges as (
    select
        chargeback.*,
        false as is_before
    from asked
    inner join bi.chargeback on asked.org_id = chargeback.org_id
    where chargeback.snapshot_date = (select nights.snapshot_date from nights)
    union all
    select
        chargeback.*,
        true as is_before
    from asked
    inner join bi.chargeback on asked.org_id = chargeback.org_id
    where chargeback.snapshot_date = (select nights.previous_snapshot_date from nights)
),

-- A device without an id is told apart by its host and cluster.
consumers as (
    select
        org_id,
        license_id,
        coalesce(max(license_type) filter (where not is_before), max(license_type)) as license_type,
        max(cost_center) filter (where is_before) as owner_before,
        max(cost_center) filter (where not is_before) as owner,
        coalesce(sum(recharged_consumption) filter (where is_before), 0) as quantity_before,
        coalesce(sum(recharged_consumption) filter (where not is_before), 0) as quantity,
        coalesce(sum(recharged_cost) filter (where is_before), 0) as cost_before,
        coalesce(sum(recharged_cost) filter (where not is_before), 0) as cost
    from charges
    group by
        org_id,
        license_id,
        consumer_type,
        coalesce(device_id, device_name),
        coalesce(user_id, user_name),
        case when device_id is null then host_name end,
        case when device_id is null then cluster_name end
),

licenses as (
    select
        org_id,
        license_id,
        count(owner_before) = 0 as is_new,
        count(owner) = 0 as is_ended
    from consumers
    group by org_id, license_id
),

owned as (
    select
        consumers.*,
        licenses.is_new,
        licenses.is_ended,
        consumers.owner_before is not null and consumers.owner is not null as is_in_both,
        case
            when
                asked.cost_center is null
                or consumers.owner_before = asked.cost_center
                or starts_with(consumers.owner_before, asked.cost_center || '/')
                then consumers.cost_before
            else 0
        end as own_cost_before,
        coalesce(
            asked.cost_center is null
            or consumers.owner = asked.cost_center
            or starts_with(consumers.owner, asked.cost_center || '/'),
            false
        ) as is_own
    from consumers
    cross join asked
    inner join licenses
        on consumers.org_id = licenses.org_id and consumers.license_id = licenses.license_id
),

effects as (
    select
        org_id,
        license_type,
        own_cost_before as cost_before,
        case when is_own then cost else 0 end as cost,
        case when is_new and is_own then cost else 0 end as new_license_effect,
        case when is_ended then -own_cost_before else 0 end as ended_license_effect,
        case
            when not is_in_both then 0
            when is_own then cost_before - own_cost_before
            else -own_cost_before
        end as ownership_effect,
        case
            when is_new or is_ended then 0
            when not is_in_both then (case when is_own then cost else 0 end) - own_cost_before
            when not is_own then 0
            when quantity_before = 0 then cost - cost_before
            else cost_before * quantity / quantity_before - cost_before
        end as quantity_effect
    from owned
),

types as (
    select
        org_id,
        license_type,
        sum(cost_before) as cost_before,
        sum(cost) as cost,
        sum(cost - cost_before) as difference,
        round(sum(quantity_effect), 2) as quantity_effect,
        sum(ownership_effect) as ownership_effect,
        sum(new_license_effect) as new_license_effect,
        sum(ended_license_effect) as ended_license_effect
    from effects
    group by org_id, license_type
)

select
    org_id,
    license_type,
    cost_before,
    cost,
    difference,
    difference - quantity_effect - ownership_effect - new_license_effect - ended_license_effect as price_effect,
    quantity_effect,
    ownership_effect,
    new_license_effect,
    ended_license_effect
from types
where cost_before <> 0 or cost <> 0
order by abs(difference) desc, license_type asc
