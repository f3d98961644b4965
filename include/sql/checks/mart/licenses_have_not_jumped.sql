-- severity: warn
-- dimension: change
-- No license costs or consumes much more or less than in the snapshot before: by moved_percent, moved_cost
-- and moved_units of mart.check_limits. A license that only one of the two snapshots holds is left alone.
with

limits as (
    select
        max(limit_value) filter (where limit_name = 'moved_percent') as moved_percent,
        max(limit_value) filter (where limit_name = 'moved_cost') as moved_cost,
        max(limit_value) filter (where limit_name = 'moved_units') as moved_units
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

moves as (
    select
        now.license_key,
        now.license_id,
        figures.figure,
        figures.value_now,
        figures.value_then,
        figures.least_move,
        limits.moved_percent,
        last_snapshot.snapshot_date as date_then
    from mart.fct_license_positions as now
    cross join last_snapshot
    cross join limits
    inner join mart.fct_license_positions as positions_then
        on
            last_snapshot.load_id = positions_then.load_id
            and last_snapshot.snapshot_date = positions_then.snapshot_date
            and now.license_id = positions_then.license_id
    cross join
        lateral (
            values
            ('cost', now.recharged_cost, positions_then.recharged_cost, limits.moved_cost),
            (
                'consumption',
                now.recharged_consumption,
                positions_then.recharged_consumption,
                limits.moved_units
            )
        ) as figures (figure, value_now, value_then, least_move)
    where now.load_id = %(load_id)s and now.snapshot_date = %(snapshot_date)s
)

select
    moves.license_id,
    dim_licenses.license_name,
    'a ' || moves.figure || ' of about ' || moves.value_then || ', as in snapshot ' || moves.date_then
        as expected,
    moves.value_now as found
from moves
inner join mart.dim_licenses on moves.license_key = dim_licenses.license_key
where
    abs(moves.value_now - moves.value_then) > moves.least_move
    and abs(moves.value_now - moves.value_then) > abs(moves.value_then) * moves.moved_percent / 100
order by moves.license_id, moves.figure
