-- One row per name that several clusters, hosts or users without ids share, as their rows show.
-- Rows of one license say several things beside a name: sizes of a cluster or host, consumption of a host,
-- groups of a user. Rows that differ in two of them, or in the only one they give, name different members.
-- Rows that differ in one of several, or in consumption alone, contradict each other about one member. Hosts
-- are also told apart by their clusters.
with

lines as (
    select * from intermediate.int_consumption_lines
    where load_id = %(load_id)s
),

members as (
    select
        'cluster' as member_type,
        license_id,
        mart.filled(cluster_name) as name,
        null as parent,
        trim_scale(cluster_cores)::text as first_mark,
        trim_scale(cluster_consuming_cores)::text as second_mark,
        trim_scale(cluster_installed_cores)::text as third_mark,
        null::numeric as consumption
    from lines
    where cluster_name is not null and mart.filled(cluster_id) is null
    union
    select
        'host' as member_type,
        license_id,
        mart.filled(host_name) as name,
        mart.named_identity(mart.filled(cluster_id), mart.filled(cluster_name)) as parent,
        trim_scale(host_cores)::text as first_mark,
        trim_scale(host_consuming_cores)::text as second_mark,
        trim_scale(host_installed_cores)::text as third_mark,
        host_consumption as consumption
    from lines
    where host_name is not null and mart.filled(host_id) is null
    union
    select
        'user' as member_type,
        license_id,
        mart.filled(user_name) as name,
        null as parent,
        nullif(lower(mart.normalized_path(user_location)), 'unassigned') as first_mark,
        nullif(lower(mart.normalized_path(user_cost_center)), 'unassigned') as second_mark,
        nullif(lower(mart.normalized_path(user_corporate_unit)), 'unassigned') as third_mark,
        null::numeric as consumption
    from lines
    where user_name is not null and mart.filled(user_id) is null
),

compared as (
    select
        member_type,
        name,
        parent,
        num_nonnulls(min(first_mark), min(second_mark), min(third_mark), min(consumption)) as given_count,
        num_nonnulls(
            nullif(max(first_mark), min(first_mark)),
            nullif(max(second_mark), min(second_mark)),
            nullif(max(third_mark), min(third_mark))
        ) as different_marks,
        num_nonnulls(nullif(max(consumption), min(consumption))) as different_consumptions
    from members
    where name is not null
    group by
        member_type,
        license_id,
        name,
        parent
),

names as (
    select
        member_type,
        name,
        bool_or(different_marks > 0 and (different_marks + different_consumptions > 1 or given_count = 1))
            as has_different_marks,
        array_agg(distinct parent) as parents
    from compared
    group by
        member_type,
        name
),

marked as (
    select
        names.member_type,
        names.name,
        names.has_different_marks and names.member_type = 'user'
        or cardinality(names.parents) > 1
        or coalesce(clusters.has_different_marks, false) as is_by_parent,
        names.has_different_marks and names.member_type <> 'user' as is_by_size
    from names
    left join names as clusters
        on
            names.member_type = 'host'
            and clusters.member_type = 'cluster'
            and names.parents[1] = mart.named_identity(null, clusters.name)
)

select
    %(load_id)s::bigint as load_id,
    member_type,
    name,
    is_by_parent,
    is_by_size
from marked
where is_by_parent or is_by_size
