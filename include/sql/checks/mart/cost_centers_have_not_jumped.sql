-- severity: warn
-- dimension: change
-- No cost center owes much more or less than in the snapshot before: by moved_percent and moved_cost of
-- mart.check_limits.
with

limits as (
    select
        max(limit_value) filter (where limit_name = 'moved_percent') as moved_percent,
        max(limit_value) filter (where limit_name = 'moved_cost') as moved_cost
    from mart.check_limits
),

last_snapshot as (
    select
        load_id,
        snapshot_date
    from ops.snapshots
    where org_id = %(org_id)s and snapshot_date < %(snapshot_date)s
    order by snapshot_date desc
    limit 1
),

owed_now as (
    select
        unit_key,
        sum(own_cost) as cost
    from mart.fct_unit_totals
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s and hierarchy = 'cost_center'
    group by unit_key
),

owed_then as (
    select
        totals.unit_key,
        sum(totals.own_cost) as cost
    from mart.fct_unit_totals as totals
    inner join last_snapshot
        on totals.load_id = last_snapshot.load_id and totals.snapshot_date = last_snapshot.snapshot_date
    where totals.hierarchy = 'cost_center'
    group by totals.unit_key
),

moves as (
    select
        coalesce(owed_now.unit_key, owed_then.unit_key) as unit_key,
        coalesce(owed_now.cost, 0) as cost_now,
        coalesce(owed_then.cost, 0) as cost_then
    from owed_now
    full join owed_then on owed_now.unit_key = owed_then.unit_key
)

select
    'all' as license_id,
    units.path as cost_center,
    'about ' || moves.cost_then || ', as in snapshot ' || last_snapshot.snapshot_date as expected,
    moves.cost_now as found
from moves
cross join limits
cross join last_snapshot
inner join mart.dim_organization_units as units on moves.unit_key = units.unit_key
where
    abs(moves.cost_now - moves.cost_then) > limits.moved_cost
    and abs(moves.cost_now - moves.cost_then) > abs(moves.cost_then) * limits.moved_percent / 100
order by abs(moves.cost_now - moves.cost_then) desc, units.path asc
