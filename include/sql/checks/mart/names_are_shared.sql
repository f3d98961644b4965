-- severity: warn
-- dimension: uniqueness
-- A name without an id names one cluster, host or user. Those that share a name are told apart by what their
-- rows say beside it.
with

shared_names as (
    select * from intermediate.int_shared_names
    where load_id = %(load_id)s
),

members as (
    select
        license_id,
        'cluster' as member_type,
        cluster_name as name,
        cluster_identity as identity
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and cluster_id is null
    union
    select
        license_id,
        'host' as member_type,
        host_name as name,
        host_identity as identity
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and host_id is null
    union
    select
        license_id,
        'user' as member_type,
        user_name as name,
        user_identity as identity
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s and user_id is null
)

select
    members.license_id,
    members.member_type || ' ' || left(members.name, 100) as member,
    'one ' || members.member_type || ', or an id' as expected,
    left(members.identity, 200) as found
from members
inner join shared_names
    on
        members.member_type = shared_names.member_type
        and members.name = shared_names.name
order by
    members.license_id,
    members.member_type,
    members.name,
    members.identity
