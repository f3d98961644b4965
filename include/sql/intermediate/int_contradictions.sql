-- One row per value that rows of one consumer, or of one host, contradict each other in. The value of place 1
-- counts: it is on most rows; of equally many it is charged most; of equal charges it is the first in the
-- alphabet. No order of rows changes that. A row without a value contradicts none.
with

lines as (
    select
        *,
        hash_record_extended(
            row(
                device_name,
                device_type,
                user_name,
                host_identity,
                cluster_identity,
                location,
                cost_center,
                corporate_unit,
                cores,
                host_installed_cores,
                host_consuming_cores,
                cluster_installed_cores,
                cluster_consuming_cores,
                host_consumption,
                cost_per_right,
                currency,
                recharge_approach
            ),
            0
        ) as attributes_hash
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
),

-- Most consumers and hosts agree, and only those that do not are counted value by value.
consumers as (
    select
        license_id,
        consumer_identity
    from lines
    group by
        license_id,
        consumer_identity
    having min(attributes_hash) <> max(attributes_hash)
),

hosts as (
    select
        license_id,
        host_identity
    from lines
    where host_identity is not null
    group by
        license_id,
        host_identity
    having min(cluster_identity) <> max(cluster_identity)
),

votes as (
    select
        lines.license_id,
        'consumer' as member_type,
        lines.consumer_identity as member_identity,
        attributes.attribute,
        attributes.value,
        lines.recharged_cost
    from lines
    inner join consumers
        on
            lines.license_id = consumers.license_id
            and lines.consumer_identity = consumers.consumer_identity
    cross join
        lateral (
            values
            ('device_name', lines.device_name),
            ('device_type', lines.device_type),
            ('user_name', lines.user_name),
            ('host', lines.host_identity),
            ('cluster', lines.cluster_identity),
            ('location', nullif(lines.location, 'Unassigned')),
            ('cost_center', nullif(lines.cost_center, 'Unassigned')),
            ('corporate_unit', nullif(lines.corporate_unit, 'Unassigned')),
            ('cores', trim_scale(lines.cores)::text),
            ('host_installed_cores', trim_scale(lines.host_installed_cores)::text),
            ('host_consuming_cores', trim_scale(lines.host_consuming_cores)::text),
            ('cluster_installed_cores', trim_scale(lines.cluster_installed_cores)::text),
            ('cluster_consuming_cores', trim_scale(lines.cluster_consuming_cores)::text),
            ('host_consumption', trim_scale(lines.host_consumption)::text),
            ('cost_per_right', trim_scale(lines.cost_per_right)::text),
            ('currency', lines.currency),
            ('recharge_approach', lines.recharge_approach)
        ) as attributes (attribute, value)
    where attributes.value is not null
    union all
    select
        lines.license_id,
        'host' as member_type,
        lines.host_identity as member_identity,
        'cluster' as attribute,
        lines.cluster_identity as value,
        lines.recharged_cost
    from lines
    inner join hosts
        on
            lines.license_id = hosts.license_id
            and lines.host_identity = hosts.host_identity
    where lines.cluster_identity is not null
),

counted as (
    select
        license_id,
        member_type,
        member_identity,
        attribute,
        value,
        count(*) as line_count,
        coalesce(sum(recharged_cost), 0) as recharged_cost
    from votes
    group by
        license_id,
        member_type,
        member_identity,
        attribute,
        value
)

select
    %(load_id)s::bigint as load_id,
    license_id,
    member_type,
    member_identity,
    attribute,
    row_number() over (
        partition by license_id, member_type, member_identity, attribute
        order by line_count desc, recharged_cost desc, value collate "C" asc
    ) as place,
    value,
    line_count,
    recharged_cost
from counted
