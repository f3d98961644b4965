-- severity: warn
-- dimension: referential
-- Every key of include/config/seeds/allocation_keys.csv is for a license of the tenant and meets one of its
-- consumers, and no other key is for the same member. Licenses of other organizations are left alone.
with

written as (
    select
        coalesce(mart.filled(license_id), '') as license_id,
        member_type,
        case member_type
            when 'cost_center' then mart.normalized_path(member)
            else lower(mart.filled(member))
        end as member
    from mart.allocation_keys
),

keys as (
    select
        license_id,
        member_type,
        member,
        count(*) as key_count
    from written
    group by
        license_id,
        member_type,
        member
),

listed as (
    select
        license_id,
        is_selected and extraction_id is not null as is_read
    from ops.load_licenses
    where load_id = %(load_id)s
),

lines as (
    select
        license_id,
        lower(device_id) as device_id,
        lower(device_name) as device_name,
        lower(user_id) as user_id,
        lower(user_name) as user_name,
        cost_center || '/' as cost_center
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and license_id in (select keys.license_id from keys)
),

met as (
    select
        keys.license_id,
        keys.member_type,
        keys.member
    from keys
    inner join lines
        on
            keys.license_id = lines.license_id
            and case keys.member_type
                when 'device' then keys.member in (lines.device_id, lines.device_name)
                when 'user' then keys.member in (lines.user_id, lines.user_name)
                else starts_with(lines.cost_center, keys.member || '/')
            end
    group by
        keys.license_id,
        keys.member_type,
        keys.member
),

found as (
    select
        keys.license_id,
        keys.member_type,
        keys.member,
        keys.key_count,
        listed.license_id is not null as is_listed,
        listed.is_read and met.license_id is null as meets_nobody
    from keys
    left join listed on keys.license_id = listed.license_id
    left join met
        on
            keys.license_id = met.license_id
            and keys.member_type = met.member_type
            and keys.member = met.member
    where
        listed.license_id is not null
        or not exists (
            select 1
            from mart.dim_licenses
            where dim_licenses.license_id = keys.license_id and dim_licenses.org_id <> %(org_id)s
        )
)

select
    license_id,
    member_type || ' ' || coalesce(member, 'without a name') as key,
    'one key that meets a consumer of the license' as expected,
    case
        when not is_listed then 'no license with this id'
        when key_count > 1 then key_count || ' keys'
        else 'no such ' || replace(member_type, '_', ' ') || ' on its rows'
    end as found
from found
where
    not is_listed
    or key_count > 1
    or meets_nobody
order by
    license_id,
    member_type,
    member
