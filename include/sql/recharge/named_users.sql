-- One row per license, method and node: the license counts its users or the minimum of its servers, whichever
-- is more. A server is a machine that counts by itself, a host with users below it, or the machine that rows
-- of users name. Its minimum is per processor, per server, or in a cloud per block of vCPUs. An account on
-- several servers counts once, where its quantity is largest.
with

terms as (
    select * from intermediate.int_rated_terms
    where
        load_id = %(load_id)s
        and term_number between %(first_term)s and %(last_term)s
        and family = 'named_users'
),

nodes as not materialized (
    select * from intermediate.int_rated_nodes
    where
        load_id = %(load_id)s
        and license_id between %(first_license_id)s and %(last_license_id)s
),

listed_users as (
    select
        terms.term_number,
        nodes.node_id,
        coalesce('server ' || nodes.machine_id, nodes.parent_node_id) as parent_node_id,
        coalesce(nodes.account_id, 'node ' || nodes.node_id) as account_id,
        greatest(coalesce(nodes.users, 1), 0) as listed
    from terms
    inner join nodes on terms.license_id = nodes.license_id
    where (nodes.node_type = 'user' or nodes.machine_id is not null) and nodes.has_installation
),

ranked_users as (
    select
        *,
        row_number() over (
            partition by term_number, account_id
            order by listed desc, node_id collate "C"
        ) as place
    from listed_users
),

users as (
    select
        term_number,
        node_id,
        parent_node_id,
        case place when 1 then listed else 0 end as counted
    from ranked_users
),

users_by_server as (
    select
        term_number,
        parent_node_id,
        sum(counted) as counted
    from users
    where parent_node_id is not null
    group by term_number, parent_node_id
),

named_machines as (
    select
        terms.term_number,
        nodes.machine_id,
        max(nodes.cores) as cores,
        max(nodes.threads) as threads,
        max(nodes.core_factor) as core_factor,
        bool_or(nodes.is_cloud) as is_cloud,
        bool_or(nodes.is_hyperthreaded) as is_hyperthreaded
    from terms
    inner join nodes on terms.license_id = nodes.license_id
    where nodes.machine_id is not null and nodes.has_installation
    group by terms.term_number, nodes.machine_id
),

-- A machine that has rows of users and one without a user is one server.
machines as (
    select
        term_number,
        'server ' || machine_id as node_id,
        'host' as node_type,
        3 as level,
        0 as users,
        cores,
        coalesce(threads, cores, 0) as vcpus,
        core_factor,
        is_cloud,
        is_hyperthreaded
    from named_machines
    union all
    select
        terms.term_number,
        nodes.node_id,
        nodes.node_type,
        nodes.level,
        greatest(coalesce(nodes.users, 0), 0) as users,
        nodes.cores,
        coalesce(nodes.threads, nodes.cores, 0) as vcpus,
        nodes.core_factor,
        nodes.is_cloud,
        nodes.is_hyperthreaded
    from terms
    inner join nodes on terms.license_id = nodes.license_id
    left join named_machines
        on
            terms.term_number = named_machines.term_number
            and nodes.node_id = named_machines.machine_id
    where
        nodes.node_type not in ('user', 'unallocated')
        and nodes.machine_id is null
        and nodes.has_installation
        and named_machines.machine_id is null
),

-- An instance in an authorized cloud has whole processors by its vCPUs; core factors do not apply.
servers as (
    select
        terms.term_number,
        terms.round_at,
        terms.least_per_processor,
        machines.node_id,
        machines.node_type,
        machines.level,
        coalesce(users_by_server.counted, 0) + machines.users as users,
        greatest(
            case
                when cloud_vcpus.vcpus_per_right is not null
                    then
                        div(machines.vcpus, cloud_vcpus.vcpus_per_right)
                        + sign(mod(machines.vcpus, cloud_vcpus.vcpus_per_right))
                else coalesce(machines.cores, 0)
            end,
            0
        ) as cores,
        case
            when cloud_vcpus.vcpus_per_right is not null then 1
            when terms.factor_source = 'none' then coalesce(terms.factor, 1)
            else coalesce(machines.core_factor, terms.factor, 0)
        end as factor,
        coalesce(
            case
                when machines.is_cloud and terms.units_per_right is not null
                    then terms.least_per_device * (
                        div(machines.vcpus, terms.units_per_right)
                        + sign(mod(machines.vcpus, terms.units_per_right))
                    )
                else terms.least_per_device
            end,
            0
        ) as minimum_per_server
    from terms
    inner join machines on terms.term_number = machines.term_number
    left join users_by_server
        on
            terms.term_number = users_by_server.term_number
            and machines.node_id = users_by_server.parent_node_id
    left join mart.cloud_vcpus
        on
            machines.is_cloud
            and terms.cloud_list = cloud_vcpus.cloud_list
            and coalesce(machines.is_hyperthreaded, true) = cloud_vcpus.is_hyperthreaded
    where machines.level = 0 or users_by_server.parent_node_id is not null
),

minimums as (
    select
        *,
        greatest(
            case round_at
                when 'none' then cores * factor
                else ceil(cores * factor)
            end * coalesce(least_per_processor, 0),
            minimum_per_server
        ) as minimum
    from servers
),

-- Rounded once per factor, unless each server rounds by itself or has a minimum of its own that is larger.
minimums_by_factor as (
    select
        term_number,
        case round_at
            when 'group'
                then greatest(
                    coalesce(ceil(sum(cores) * factor) * least_per_processor, 0),
                    sum(minimum_per_server)
                )
            else sum(minimum)
        end as minimum
    from minimums
    group by term_number, factor, round_at, least_per_processor
),

license_users as (
    select
        term_number,
        sum(counted) as users
    from (
        select
            term_number,
            counted
        from users
        union all
        select
            servers.term_number,
            servers.users - coalesce(users_by_server.counted, 0) as counted
        from servers
        left join users_by_server
            on
                servers.term_number = users_by_server.term_number
                and servers.node_id = users_by_server.parent_node_id
    ) as all_users
    group by term_number
),

license_minimums as (
    select
        term_number,
        sum(minimum) as minimum
    from minimums_by_factor
    group by term_number
),

licenses as (
    select
        terms.term_number,
        terms.weight,
        terms.layers,
        coalesce(license_users.users, 0) as users,
        coalesce(license_minimums.minimum, 0) as minimum,
        greatest(
            coalesce(license_users.users, 0),
            license_minimums.minimum,
            case when license_users.term_number is not null then terms.least_per_license end
        ) as quantity,
        terms.weight = 'users' or (
            terms.weight = 'larger'
            and coalesce(license_users.users, 0) >= coalesce(license_minimums.minimum, 0)
        ) as is_by_users
    from terms
    left join license_users on terms.term_number = license_users.term_number
    left join license_minimums on terms.term_number = license_minimums.term_number
)

select
    %(load_id)s as load_id,
    term_number,
    5 as level,
    '' as node_id,
    'license' as node_type,
    null as parent_node_id,
    users as counted,
    minimum as capacity,
    null::numeric as factor,
    quantity,
    quantity as weight
from licenses
union all
select
    %(load_id)s as load_id,
    minimums.term_number,
    minimums.level,
    minimums.node_id,
    minimums.node_type,
    '' as parent_node_id,
    minimums.users as counted,
    minimums.minimum as capacity,
    minimums.factor,
    case when licenses.is_by_users then minimums.users else minimums.minimum end as quantity,
    case
        when licenses.weight = 'equal' then 1
        when licenses.is_by_users then minimums.users
        else minimums.minimum
    end as weight
from minimums
inner join licenses on minimums.term_number = licenses.term_number
where minimums.level = 0 or licenses.layers = 'layered'
union all
select
    %(load_id)s as load_id,
    users.term_number,
    0 as level,
    users.node_id,
    'user' as node_type,
    case licenses.layers
        when 'layered' then coalesce(users.parent_node_id, '')
        else ''
    end as parent_node_id,
    users.counted,
    users.counted as capacity,
    null as factor,
    users.counted as quantity,
    case
        when licenses.weight = 'equal' then 1
        when users.parent_node_id is null and not licenses.is_by_users then 0
        else users.counted
    end as weight
from users
inner join licenses on users.term_number = licenses.term_number
