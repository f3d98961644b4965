-- severity: fail
-- dimension: conservation
-- L1, L2, L3 and L7 of what is derived: what a method makes of a license is what its consumers, the
-- unallocated one among them, owe together, whichever method it is; and what stands under a host, a
-- cluster or a pool is never more than the host, cluster or pool has.
with

shares as (
    select * from intermediate.int_recharge_shares
    where load_id = %(load_id)s
),

licenses as (
    select
        license_id,
        method_id,
        term_number,
        max(license_consumption) as license_consumption,
        sum(derived_consumption) as derived_consumption
    from shares
    group by
        license_id,
        method_id,
        term_number
),

parents as (
    select
        license_id,
        method_id,
        term_number,
        parent_node_id,
        max(parent_consumption) as parent_consumption,
        sum(derived_consumption) as derived_consumption
    from shares
    where parent_node_id <> ''
    group by
        license_id,
        method_id,
        term_number,
        parent_node_id
    having bool_and(node_type not in ('rounding', 'unallocated'))
)

select
    license_id,
    method_id,
    license_consumption || ' shared over the consumers' as expected,
    derived_consumption::text as found
from licenses
where derived_consumption <> license_consumption
union all
select
    license_id,
    method_id,
    'at most ' || parent_consumption || ' under ' || parent_node_id as expected,
    derived_consumption::text as found
from parents
where abs(derived_consumption) > abs(parent_consumption)
