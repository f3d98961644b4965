-- One row per cost center, corporate unit or location and license, consumer, host, cluster or other unit
-- that one of its charges names. Its owners may read the names of these members, and of no others.
with

charges as (
    select * from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

placements as (
    select distinct
        consumer_key,
        host_key,
        cluster_key,
        location_key,
        cost_center_key,
        corporate_unit_key
    from charges
),

licenses as (
    select distinct
        license_key,
        location_key,
        cost_center_key,
        corporate_unit_key
    from charges
),

members as (
    select
        units.unit_key,
        members.member_type,
        members.member_key
    from placements
    cross join
        lateral (
            values
            (placements.location_key),
            (placements.cost_center_key),
            (placements.corporate_unit_key)
        ) as units (unit_key)
    cross join
        lateral (
            values
            ('consumer', placements.consumer_key),
            ('host', placements.host_key),
            ('cluster', placements.cluster_key),
            ('unit', placements.location_key),
            ('unit', placements.cost_center_key),
            ('unit', placements.corporate_unit_key)
        ) as members (member_type, member_key)
    union all
    select
        units.unit_key,
        'license' as member_type,
        licenses.license_key as member_key
    from licenses
    cross join
        lateral (
            values
            (licenses.location_key),
            (licenses.cost_center_key),
            (licenses.corporate_unit_key)
        ) as units (unit_key)
)

select distinct
    unit_key,
    member_type,
    member_key
from members
where member_key is not null
