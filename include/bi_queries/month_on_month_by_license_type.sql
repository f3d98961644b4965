-- Why does a cost center (null: everybody) pay more or less than the month before, by license type?
-- A charge of both months changes by its quantity (at the old price), by its price (at the new quantity)
-- and by its owner: the old cost leaves one cost center and enters another, which over all of them is zero.
-- Consumers that come and go are quantity; licenses that come and go are effects of their own. All effects
-- add up to the difference.
with

asked as not materialized (
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

before as (
    select
        chargeback.license_id,
        chargeback.license_type,
        chargeback.currency,
        chargeback.consumer_identity_key,
        coalesce(chargeback.recharged_consumption, 0) as quantity,
        coalesce(chargeback.recharged_cost, 0) as cost,
        asked.cost_center is null
        or chargeback.cost_center = asked.cost_center
        or starts_with(chargeback.cost_center, asked.cost_center || '/') as is_own
    from asked
    inner join bi.chargeback on asked.org_id = chargeback.org_id
    where
        chargeback.snapshot_date = (select nights.previous_snapshot_date from nights)
        and chargeback.snapshot_date < asked.month
),

after as (
    select
        chargeback.license_id,
        chargeback.license_type,
        chargeback.currency,
        chargeback.consumer_identity_key,
        coalesce(chargeback.recharged_consumption, 0) as quantity,
        coalesce(chargeback.recharged_cost, 0) as cost,
        asked.cost_center is null
        or chargeback.cost_center = asked.cost_center
        or starts_with(chargeback.cost_center, asked.cost_center || '/') as is_own
    from asked
    inner join bi.chargeback on asked.org_id = chargeback.org_id
    where
        chargeback.snapshot_date = (select nights.snapshot_date from nights)
        and chargeback.snapshot_date between asked.month and asked.month + 30
),

licenses as (
    select
        max(coalesce(after.license_type, before.license_type)) as license_type,
        max(coalesce(after.currency, before.currency)) as currency,
        count(before.cost) = 0 as is_new,
        count(after.cost) = 0 as is_ended,
        coalesce(sum(before.cost) filter (where before.is_own), 0) as cost_before,
        coalesce(sum(after.cost) filter (where after.is_own), 0) as cost,
        coalesce(
            sum(before.cost) filter (where after.is_own and not before.is_own), 0
        ) - coalesce(
            sum(before.cost) filter (where before.is_own and not after.is_own), 0
        ) as ownership_effect,
        coalesce(sum(after.cost) filter (where after.is_own and before.cost is null), 0)
        - coalesce(sum(before.cost) filter (where before.is_own and after.cost is null), 0)
        + coalesce(
            sum(
                case
                    when before.quantity = 0 then after.cost - before.cost
                    else before.cost * after.quantity / before.quantity - before.cost
                end
            ) filter (where after.is_own and before.quantity <> after.quantity),
            0
        ) as quantity_effect
    from before
    full outer join after
        on
            before.consumer_identity_key = after.consumer_identity_key
            and before.license_id = after.license_id
    group by coalesce(after.license_id, before.license_id)
),

types as (
    select
        license_type,
        currency,
        sum(cost_before) as cost_before,
        sum(cost) as cost,
        sum(cost - cost_before) as difference,
        round(coalesce(sum(quantity_effect) filter (where not (is_new or is_ended)), 0), 2)
            as quantity_effect,
        sum(ownership_effect) as ownership_effect,
        coalesce(sum(cost) filter (where is_new), 0) as new_license_effect,
        -coalesce(sum(cost_before) filter (where is_ended), 0) as ended_license_effect
    from licenses
    group by license_type, currency
)

select
    license_type,
    currency,
    cost_before,
    cost,
    difference,
    difference - quantity_effect - ownership_effect - new_license_effect - ended_license_effect
        as price_effect,
    quantity_effect,
    ownership_effect,
    new_license_effect,
    ended_license_effect
from types
where cost_before <> 0 or cost <> 0
order by abs(difference) desc, license_type asc, currency asc
