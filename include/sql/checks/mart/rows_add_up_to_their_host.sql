-- severity: warn
-- dimension: conservation
-- L1: what the consumers on a host are recharged adds up to what the host consumes, within the tolerance of
-- the license type for so many rows. Rows that are overridden, allocated without an installation or charged a
-- peak explain as much of a gap as they differ by.
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
        facts.license_id,
        dim_hosts.host_identity,
        sum(facts.delta) as consumption
    from mart.fct_chargeback as facts
    inner join mart.dim_hosts on facts.host_key = dim_hosts.host_key
    where
        facts.load_id = %(load_id)s
        and facts.snapshot_date = %(snapshot_date)s
        and facts.delta_reason in ('override', 'allocation_without_install', 'pvu_peak_vs_current')
    group by
        facts.license_id,
        dim_hosts.host_identity
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
    least(
        abs(hosts.recharged_consumption - hosts.consumption),
        abs(hosts.recharged_consumption - hosts.consumption - explained.consumption)
    ) > mart.allowed_gap(dim_licenses.license_type, hosts.vm_count, 0)
order by
    hosts.license_id,
    hosts.host_name
