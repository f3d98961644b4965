-- severity: warn
-- dimension: conservation
-- L1: what the consumers on a host are recharged adds up to what the host consumes, within the tolerance of
-- the license type. Rows that somebody overrode or that are allocated without an installation explain a gap.
with

hosts as (
    select
        fct_host_consumption.license_id,
        fct_host_consumption.license_key,
        dim_hosts.host_identity,
        coalesce(dim_hosts.host_name, dim_hosts.host_id) as host_name,
        fct_host_consumption.vm_count,
        fct_host_consumption.consumption,
        fct_host_consumption.recharged_consumption
    from mart.fct_host_consumption
    inner join mart.dim_hosts on fct_host_consumption.host_key = dim_hosts.host_key
    where
        fct_host_consumption.load_id = %(load_id)s
        and fct_host_consumption.snapshot_date = %(snapshot_date)s
        and fct_host_consumption.consumption <> fct_host_consumption.recharged_consumption
),

explained as (
    select
        lines.license_id,
        lines.host_identity
    from intermediate.int_consumer_lines as lines
    inner join intermediate.int_consumption_lines as raw_lines
        on
            lines.load_id = raw_lines.load_id
            and lines.license_id = raw_lines.license_id
            and lines.page_number = raw_lines.page_number
            and lines.row_number = raw_lines.row_number
    where
        lines.load_id = %(load_id)s
        and lines.host_identity is not null
        and (
            raw_lines.overridden_consumption <> 0
            or (raw_lines.is_allocated and coalesce(raw_lines.consuming_installations, 0) = 0)
        )
    group by
        lines.license_id,
        lines.host_identity
)

select
    hosts.license_id,
    hosts.host_name as host,
    hosts.consumption || ' consumed by the host' as expected,
    hosts.recharged_consumption || ' recharged to its ' || hosts.vm_count || ' machines' as found
from hosts
inner join mart.dim_licenses on hosts.license_key = dim_licenses.license_key
left join explained
    on
        hosts.license_id = explained.license_id
        and hosts.host_identity = explained.host_identity
where
    explained.license_id is null
    and abs(hosts.consumption - hosts.recharged_consumption)
    > mart.allowed_gap(dim_licenses.license_type, hosts.vm_count, hosts.consumption)
order by
    hosts.license_id,
    hosts.host_name
