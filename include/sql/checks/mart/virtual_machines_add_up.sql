-- severity: fail
-- dimension: conservation
-- L6 for the lowest level: every virtual machine of a license is there, and together they are recharged what
-- all rows of theirs are. Of a license that was taken over they are those of the load it is from.
with

rows_of_machines as (
    select
        license_id,
        coalesce(sum(recharged_consumption), 0) as consumption,
        coalesce(sum(recharged_cost), 0) as cost
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and consumer_type = 'device'
    group by
        license_id,
        device_identity
    having bool_or(is_virtual_machine)
),

taken_over as (
    select
        previous.license_id,
        coalesce(previous.recharged_consumption, 0) as consumption,
        coalesce(previous.recharged_cost, 0) as cost
    from ops.taken_over_licenses
    inner join mart.fct_vm_consumption as previous
        on
            taken_over_licenses.from_load_id = previous.load_id
            and taken_over_licenses.from_snapshot_date = previous.snapshot_date
            and taken_over_licenses.license_id = previous.license_id
    where taken_over_licenses.load_id = %(load_id)s
),

due as (
    select
        license_id,
        count(*) as machine_count,
        sum(consumption) as consumption,
        sum(cost) as cost
    from (
        select * from rows_of_machines
        union all
        select * from taken_over
    ) as machines
    group by license_id
),

shown as (
    select
        license_id,
        count(*) as machine_count,
        coalesce(sum(recharged_consumption), 0) as consumption,
        coalesce(sum(recharged_cost), 0) as cost
    from mart.fct_vm_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by license_id
)

select
    coalesce(due.license_id, shown.license_id) as license_id,
    coalesce(due.machine_count, 0) || ' machines with ' || coalesce(due.consumption, 0) || ' for '
    || coalesce(due.cost, 0) as expected,
    coalesce(shown.machine_count, 0) || ' machines with ' || coalesce(shown.consumption, 0) || ' for '
    || coalesce(shown.cost, 0) as found
from due
full outer join shown on due.license_id = shown.license_id
where
    due.license_id is null
    or shown.license_id is null
    or due.machine_count <> shown.machine_count
    or due.consumption <> shown.consumption
    or due.cost <> shown.cost
order by license_id
