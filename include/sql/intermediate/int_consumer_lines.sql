-- One row per row of a license that is charged: whom it charges, where it runs and who owns it.
-- Every row is charged, unless the license's own total shows that the API gave it twice: a row moves to a
-- later page while Flexera reconciles. Where the total shows nothing, the row is charged, too, and marked as
-- a possible repeat. So page size and order of rows change no total.
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
        content_hash,
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
        mart.currency_code(currency) as currency,
        mart.filled(recharge_approach) as recharge_approach
    from intermediate.int_consumption_lines
    where load_id = %(load_id)s
),

-- A license has one price, and so one currency: rows without a cost or price have it, too.
currencies as (
    select
        license_id,
        min(currency) as currency
    from lines
    where recharged_cost <> 0 or cost_per_right <> 0
    group by license_id
    having min(currency) = max(currency)
),

shared_names as (
    select * from intermediate.int_shared_names
    where load_id = %(load_id)s
),

clustered as (
    select
        lines.*,
        case
            when shared_names.is_by_size
                then
                    mart.identity(
                        'name',
                        lines.cluster_name,
                        trim_scale(
                            coalesce(
                                lines.cluster_cores,
                                lines.cluster_consuming_cores,
                                lines.cluster_installed_cores
                            )
                        )::text
                    )
            else mart.named_identity(lines.cluster_id, lines.cluster_name)
        end as cluster_identity
    from lines
    left join shared_names
        on
            lines.cluster_id is null
            and shared_names.member_type = 'cluster'
            and lines.cluster_name = shared_names.name
),

hosted as (
    select
        clustered.*,
        case
            when shared_names.name is not null
                then
                    mart.identity(
                        'name',
                        clustered.host_name,
                        case when shared_names.is_by_parent then clustered.cluster_identity end,
                        case
                            when shared_names.is_by_size
                                then
                                    trim_scale(
                                        coalesce(
                                            clustered.host_cores,
                                            clustered.host_consuming_cores,
                                            clustered.host_installed_cores
                                        )
                                    )::text
                        end
                    )
            else mart.named_identity(clustered.host_id, clustered.host_name)
        end as host_identity
    from clustered
    left join shared_names
        on
            clustered.host_id is null
            and shared_names.member_type = 'host'
            and clustered.host_name = shared_names.name
),

consumers as (
    select
        hosted.*,
        mart.device_identity(
            hosted.device_id, hosted.device_name, hosted.host_identity, hosted.cluster_identity
        ) as device_identity,
        case
            when shared_names.name is not null
                then
                    mart.identity(
                        'name',
                        hosted.user_name,
                        lower(mart.normalized_path(hosted.user_location)),
                        lower(mart.normalized_path(hosted.user_cost_center)),
                        lower(mart.normalized_path(hosted.user_corporate_unit))
                    )
            else mart.named_identity(hosted.user_id, hosted.user_name)
        end as user_identity
    from hosted
    left join shared_names
        on
            hosted.user_id is null
            and shared_names.member_type = 'user'
            and hosted.user_name = shared_names.name
),

-- Licenses of several pages whose rows do not add up to what they consume, or that do not say what they do.
uneven as (
    select
        lines.license_id,
        sum(lines.recharged_consumption) - min(int_licenses.consumed) as surplus,
        0.00001 * count(*) as rounding
    from lines
    left join intermediate.int_licenses
        on
            lines.load_id = int_licenses.load_id
            and lines.license_id = int_licenses.license_id
    group by lines.license_id
    having
        min(lines.page_number) < max(lines.page_number)
        and coalesce(
            abs(sum(lines.recharged_consumption) - min(int_licenses.consumed)) > 0.00001 * count(*), true
        )
),

placed as (
    select
        consumers.*,
        uneven.surplus,
        uneven.rounding,
        row_number() over (
            partition by consumers.license_id, consumers.content_hash, consumers.page_number
            order by consumers.row_number
        ) as ordinal,
        -- A row that names neither device nor user has no other that is known to be the same.
        coalesce(consumers.device_identity, consumers.user_identity) is not null
        and consumers.page_number < max(consumers.page_number) over (
            partition by
                consumers.license_id,
                consumers.device_identity,
                consumers.user_identity,
                consumers.host_identity,
                consumers.cluster_identity,
                consumers.device_cost_center,
                consumers.device_corporate_unit,
                consumers.device_location,
                consumers.user_cost_center,
                consumers.user_corporate_unit,
                consumers.user_location
        ) as has_successor
    from consumers
    inner join uneven on consumers.license_id = uneven.license_id
),

-- Equal rows of one page are different rows: of N on one page and M on another, the larger number is true.
compared as (
    select
        *,
        row_number() over (
            partition by license_id, content_hash, ordinal
            order by page_number desc
        ) > 1 and content_hash is not null as is_equal
    from placed
),

-- What may be a repeat: a row equal to one of another page, and where rows have more than the license
-- consumes, a row with other figures than a later one of the same consumer, host and owner.
candidates as (
    select
        license_id,
        page_number,
        row_number,
        surplus,
        rounding,
        coalesce(recharged_consumption, 0) as recharged_consumption,
        is_equal
    from compared
    where is_equal or (has_successor and coalesce(surplus > 0, true))
),

-- The total decides where it is met without the equal rows, without all candidates, or without one of them.
verdicts as (
    select
        license_id,
        case
            when abs(sum(recharged_consumption) filter (where is_equal) - surplus) <= rounding
                then 'equal ones'
            when abs(sum(recharged_consumption) - surplus) <= rounding then 'all'
            when count(*) filter (where abs(recharged_consumption - surplus) <= rounding) = 1 then 'one'
        end as dropped
    from candidates
    group by
        license_id,
        surplus,
        rounding
),

repeats as (
    select
        candidates.license_id,
        candidates.page_number,
        candidates.row_number,
        coalesce(
            case verdicts.dropped
                when 'equal ones' then candidates.is_equal
                when 'all' then true
                when 'one'
                    then abs(candidates.recharged_consumption - candidates.surplus) <= candidates.rounding
            end,
            false
        ) as is_dropped,
        verdicts.dropped is null as is_possible
    from candidates
    inner join verdicts on candidates.license_id = verdicts.license_id
),

charged as (
    select
        consumers.*,
        coalesce(currencies.currency, consumers.currency) as license_currency,
        coalesce(repeats.is_possible, false) as is_possible_repeat,
        case
            when
                consumers.user_identity is not null
                and (licenses.consumes_by = 'user' or consumers.device_identity is null)
                then 'user'
            when consumers.device_identity is not null then 'device'
            else 'unallocated'
        end as consumer_type
    from consumers
    left join licenses on consumers.license_id = licenses.license_id
    left join currencies on consumers.license_id = currencies.license_id
    left join repeats
        on
            consumers.license_id = repeats.license_id
            and consumers.page_number = repeats.page_number
            and consumers.row_number = repeats.row_number
    where not coalesce(repeats.is_dropped, false)
),

unit_paths as (
    select * from intermediate.int_unit_paths
    where load_id = %(load_id)s
),

owned as (
    select
        charged.*,
        coalesce(locations.path, 'Unassigned') as location,
        coalesce(cost_centers.path, 'Unassigned') as cost_center,
        coalesce(corporate_units.path, 'Unassigned') as corporate_unit
    from charged
    left join unit_paths as locations
        on
            locations.hierarchy = 'location'
            and locations.given_path = case
                when charged.consumer_type = 'device' then charged.device_location
                when charged.consumer_type = 'user' or mart.filled(charged.device_location) is null
                    then charged.user_location
                else charged.device_location
            end
    left join unit_paths as cost_centers
        on
            cost_centers.hierarchy = 'cost_center'
            and cost_centers.given_path = case
                when charged.consumer_type = 'device' then charged.device_cost_center
                when charged.consumer_type = 'user' or mart.filled(charged.device_cost_center) is null
                    then charged.user_cost_center
                else charged.device_cost_center
            end
    left join unit_paths as corporate_units
        on
            corporate_units.hierarchy = 'corporate_unit'
            and corporate_units.given_path = case
                when charged.consumer_type = 'device' then charged.device_corporate_unit
                when charged.consumer_type = 'user' or mart.filled(charged.device_corporate_unit) is null
                    then charged.user_corporate_unit
                else charged.device_corporate_unit
            end
),

named as (
    select
        *,
        case consumer_type
            when 'device'
                then
                    case
                        when user_identity is null then device_identity
                        else mart.identity('device', device_identity, user_identity)
                    end
            when 'user'
                then
                    case
                        when device_identity is null then 'user ' || user_identity
                        else mart.identity('user', user_identity, device_identity)
                    end
            else
                mart.identity(
                    'unallocated', host_identity, cluster_identity, location, cost_center, corporate_unit
                )
        end as consumer_identity
    from owned
)

select
    load_id,
    license_id,
    page_number,
    row_number,
    content_hash,
    is_possible_repeat,
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
    user_identity,
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
    license_currency as currency,
    recharge_approach
from named
