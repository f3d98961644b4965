-- One row per license, consumer and repeat: whom the row charges, where it runs and who owns it.
-- A row that the API gave on two pages (it moved while Flexera reconciled) is kept once, from the later page.
with

licenses as (
    select
        int_licenses.license_id,
        license_types.consumes_by
    from intermediate.int_licenses
    left join mart.license_types
        on lower(mart.filled(int_licenses.license_type)) = lower(license_types.license_type)
    where int_licenses.load_id = %(load_id)s
),

lines as (
    select
        load_id,
        license_id,
        page_number,
        row_number,
        mart.filled(device_id) as device_id,
        mart.filled(device_name) as device_name,
        mart.filled(device_type) as device_type,
        device_location,
        device_cost_center,
        device_corporate_unit,
        mart.filled(user_id) as user_id,
        mart.filled(user_name) as user_name,
        user_location,
        user_cost_center,
        user_corporate_unit,
        mart.filled(host_id) as host_id,
        mart.filled(host_name) as host_name,
        mart.filled(cluster_id) as cluster_id,
        mart.filled(cluster_name) as cluster_name,
        cores,
        host_cores,
        host_installed_cores,
        host_consuming_cores,
        cluster_cores,
        cluster_installed_cores,
        cluster_consuming_cores,
        consuming_installations,
        machine_consumption,
        host_consumption,
        cost_per_right,
        recharged_consumption,
        recharged_cost,
        mart.filled(currency) as currency,
        mart.filled(recharge_approach) as recharge_approach
    from intermediate.int_consumption_lines
    where load_id = %(load_id)s
),

infrastructure as (
    select
        *,
        mart.named_identity(host_id, host_name) as host_identity,
        mart.named_identity(cluster_id, cluster_name) as cluster_identity
    from lines
),

consumers as (
    select
        *,
        mart.device_identity(device_id, device_name, host_identity, cluster_identity) as device_identity,
        mart.named_identity(user_id, user_name) as user_identity
    from infrastructure
),

identified as (
    select
        *,
        mart.row_identity(device_identity, user_identity, host_identity, cluster_identity) as row_identity
    from consumers
),

numbered as (
    select
        *,
        row_number() over (
            partition by license_id, row_identity, page_number
            order by row_number
        ) as ordinal
    from identified
),

latest as (
    select
        *,
        row_number() over (
            partition by license_id, row_identity, ordinal
            order by page_number desc
        ) as recency
    from numbered
),

-- A row that names nothing at all has no identity and is never taken for a repeat.
charged as (
    select
        latest.*,
        case
            when
                latest.user_identity is not null
                and (licenses.consumes_by = 'user' or latest.device_identity is null)
                then 'user'
            when latest.device_identity is not null then 'device'
            else 'unallocated'
        end as consumer_type
    from latest
    left join licenses on latest.license_id = licenses.license_id
    where latest.recency = 1 or latest.row_identity is null
),

owned as (
    select
        *,
        mart.normalized_path(
            case consumer_type
                when 'device' then device_location
                when 'user' then user_location
                else coalesce(mart.filled(device_location), user_location)
            end
        ) as location,
        mart.normalized_path(
            case consumer_type
                when 'device' then device_cost_center
                when 'user' then user_cost_center
                else coalesce(mart.filled(device_cost_center), user_cost_center)
            end
        ) as cost_center,
        mart.normalized_path(
            case consumer_type
                when 'device' then device_corporate_unit
                when 'user' then user_corporate_unit
                else coalesce(mart.filled(device_corporate_unit), user_corporate_unit)
            end
        ) as corporate_unit
    from charged
),

named as (
    select
        *,
        case consumer_type
            when 'device' then device_identity || coalesce(' for ' || user_identity, '')
            when 'user' then user_identity || coalesce(' on ' || device_identity, '')
            else concat_ws(
                ' | ', 'unallocated', host_identity, cluster_identity, location, cost_center, corporate_unit
            )
        end as consumer_identity
    from owned
)

select
    load_id,
    license_id,
    page_number,
    row_number,
    row_identity,
    ordinal,
    mart.version_key(
        %(org_id)s, consumer_type, consumer_identity, device_id, device_name, device_type, user_id, user_name
    ) as consumer_key,
    case
        when host_identity is not null then mart.version_key(%(org_id)s, host_identity, host_id, host_name)
    end as host_key,
    case
        when cluster_identity is not null
            then mart.version_key(%(org_id)s, cluster_identity, cluster_id, cluster_name)
    end as cluster_key,
    mart.organization_unit_key(%(org_id)s, 'location', location) as location_key,
    mart.organization_unit_key(%(org_id)s, 'cost_center', cost_center) as cost_center_key,
    mart.organization_unit_key(%(org_id)s, 'corporate_unit', corporate_unit) as corporate_unit_key,
    consumer_type,
    consumer_identity,
    device_identity,
    device_id,
    device_name,
    device_type,
    user_id,
    user_name,
    consumer_type = 'device'
    and coalesce(device_type, '') !~* 'host'
    and (
        host_identity is not null
        or coalesce(device_type, '') ~* 'virtual|\mvm\M|lpar|partition|cloud|instance'
    ) as is_virtual_machine,
    host_identity,
    host_id,
    host_name,
    cluster_identity,
    cluster_id,
    cluster_name,
    location,
    cost_center,
    corporate_unit,
    cores,
    host_cores,
    host_installed_cores,
    host_consuming_cores,
    cluster_cores,
    cluster_installed_cores,
    cluster_consuming_cores,
    consuming_installations,
    machine_consumption,
    host_consumption,
    cost_per_right,
    recharged_consumption,
    recharged_cost,
    currency,
    recharge_approach
from named
