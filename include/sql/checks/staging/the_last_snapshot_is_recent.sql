-- severity: warn
-- dimension: freshness
-- The snapshot before this one is at most snapshot_gap_days of mart.check_limits older: none
-- is missing between.
with

before as (
    select max(snapshot_date) as snapshot_date
    from ops.snapshots
    where org_id = %(org_id)s and snapshot_date < %(snapshot_date)s
)

select
    'all' as license_id,
    'one of ' || %(snapshot_date)s::date - check_limits.limit_value::integer || ' or later' as expected,
    'the last one before this is of ' || before.snapshot_date as found
from before
inner join mart.check_limits on check_limits.limit_name = 'snapshot_gap_days'
where before.snapshot_date < %(snapshot_date)s::date - check_limits.limit_value::integer
