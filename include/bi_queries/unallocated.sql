-- What does nobody pay for this month, by license?
-- Charges without a device or user, charges to no cost center, and consumption that is charged to nobody.
with

asked as not materialized (
    select
        '12345' as org_id,
        date '2026-11-01' as month
),

night as (
    select month.snapshot_date
    from asked
    inner join bi.month on asked.org_id = month.org_id and asked.month = month.month
),

unowned as (
    select
        chargeback.org_id,
        chargeback.license_id,
        sum(chargeback.recharged_cost) filter (where chargeback.consumer_type = 'unallocated')
            as without_consumer_cost,
        sum(chargeback.recharged_cost) filter (where chargeback.consumer_type <> 'unallocated')
            as without_cost_center_cost
    from asked
    inner join bi.chargeback on asked.org_id = chargeback.org_id
    where
        chargeback.snapshot_date = (select night.snapshot_date from night)
        and chargeback.snapshot_date between asked.month and asked.month + 30
        and (chargeback.consumer_type = 'unallocated' or chargeback.cost_center = 'Unassigned')
    group by chargeback.org_id, chargeback.license_id
)

select
    license_position.org_id,
    license_position.license_name,
    license_position.license_type,
    coalesce(unowned.without_consumer_cost, 0) as without_consumer_cost,
    coalesce(unowned.without_cost_center_cost, 0) as without_cost_center_cost,
    license_position.currency,
    license_position.residue,
    license_position.residue_reason
from asked
inner join bi.license_position on asked.org_id = license_position.org_id
left join unowned
    on license_position.org_id = unowned.org_id and license_position.license_id = unowned.license_id
where
    license_position.snapshot_date = (select night.snapshot_date from night)
    and license_position.snapshot_date between asked.month and asked.month + 30
    and (
        license_position.residue <> 0
        or unowned.without_consumer_cost <> 0
        or unowned.without_cost_center_cost <> 0
    )
order by
    coalesce(unowned.without_consumer_cost, 0) + coalesce(unowned.without_cost_center_cost, 0) desc,
    license_position.license_name
