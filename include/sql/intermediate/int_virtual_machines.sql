-- One row per license and virtual machine: what its consumers are recharged, with the name, host and cluster
-- of the one with most rows. A device is a virtual machine if a line of it gives a type that says so
-- (virtual, VM, LPAR, partition, cloud, instance) or a host; all its lines count then.
with

consumers as (
    select
        *,
        row_number() over (
            partition by license_id, device_identity
            order by line_count desc, recharged_cost desc nulls last, consumer_identity collate "C" asc
        ) as place
    from intermediate.int_consumers
    where load_id = %(load_id)s and consumer_type = 'device'
),

machines as (
    select
        license_id,
        device_identity,
        sum(machine_consumption) as machine_consumption,
        sum(recharged_consumption) as recharged_consumption,
        sum(recharged_cost) as recharged_cost,
        sum(line_count) as line_count
    from consumers
    group by license_id, device_identity
    having bool_or(is_virtual_machine)
)

select
    consumers.load_id,
    machines.license_id,
    machines.device_identity,
    consumers.consumer_key,
    consumers.host_key,
    consumers.cluster_key,
    consumers.host_identity,
    consumers.cluster_identity,
    consumers.cores,
    machines.machine_consumption,
    machines.recharged_consumption,
    machines.recharged_cost,
    machines.line_count
from machines
inner join consumers
    on
        machines.license_id = consumers.license_id
        and machines.device_identity = consumers.device_identity
        and consumers.place = 1
