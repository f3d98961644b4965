-- One row per license and virtual machine: its consumption, with the host and cluster of its last line.
-- A device is one if a line of it gives a type that says so (virtual, VM, LPAR, partition, cloud, instance)
-- or a host; all its lines count then.
with

lines as (
    select * from intermediate.int_consumer_lines
    where load_id = %(load_id)s and consumer_type = 'device'
),

machines as (
    select
        license_id,
        device_identity,
        max(array[page_number, row_number]) as last_line,
        sum(machine_consumption) as machine_consumption,
        sum(recharged_consumption) as recharged_consumption,
        sum(recharged_cost) as recharged_cost,
        count(*) as line_count
    from lines
    group by license_id, device_identity
    having bool_or(is_virtual_machine)
)

select
    lines.load_id,
    machines.license_id,
    machines.device_identity,
    lines.consumer_key,
    lines.host_key,
    lines.cluster_key,
    lines.host_identity,
    lines.cluster_identity,
    lines.cores,
    machines.machine_consumption,
    machines.recharged_consumption,
    machines.recharged_cost,
    machines.line_count
from machines
inner join lines
    on
        machines.license_id = lines.license_id
        and machines.last_line[1] = lines.page_number
        and machines.last_line[2] = lines.row_number
