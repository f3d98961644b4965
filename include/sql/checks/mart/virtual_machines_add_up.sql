-- severity: fail
-- dimension: conservation
-- L6 for the lowest level: every virtual machine of a license is there, and is recharged what all rows of it
-- are. Those of a license that was taken over are those of the load it is from.
with

due as (
    select
        lines.license_id,
        machines.consumer_key,
        lines.device_identity as machine,
        coalesce(sum(lines.recharged_consumption), 0) as consumption,
        coalesce(sum(lines.recharged_cost), 0) as cost
    from intermediate.int_consumer_lines as lines
    left join intermediate.int_virtual_machines as machines
        on
            lines.load_id = machines.load_id
            and lines.license_id = machines.license_id
            and lines.device_identity = machines.device_identity
    where lines.load_id = %(load_id)s and lines.consumer_type = 'device'
    group by
        lines.license_id,
        machines.consumer_key,
        lines.device_identity
    having bool_or(lines.is_virtual_machine)
    union all
    select
        previous.license_id,
        previous.consumer_key,
        'consumer ' || previous.consumer_key as machine,
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

shown as (
    select
        license_id,
        consumer_key,
        coalesce(recharged_consumption, 0) as consumption,
        coalesce(recharged_cost, 0) as cost
    from mart.fct_vm_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
)

select
    coalesce(due.license_id, shown.license_id) as license_id,
    coalesce(due.machine, 'consumer ' || shown.consumer_key) as machine,
    coalesce(due.consumption || ' for ' || due.cost, 'no such machine') as expected,
    coalesce(shown.consumption || ' for ' || shown.cost, 'no such machine') as found
from due
full outer join shown
    on
        due.license_id = shown.license_id
        and due.consumer_key = shown.consumer_key
where
    due.license_id is null
    or shown.license_id is null
    or due.consumption <> shown.consumption
    or due.cost <> shown.cost
order by
    license_id,
    machine
