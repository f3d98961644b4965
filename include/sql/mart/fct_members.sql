-- One row per version of a consumer, host or cluster that the levels of the load use and its charges do not.
-- A level may name a host or cluster that no consumer is charged on, as its rows contradict each other.
with

levels as (
    select
        consumer_key,
        host_key,
        cluster_key
    from mart.fct_vm_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        null as consumer_key,
        host_key,
        cluster_key
    from mart.fct_host_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        null as consumer_key,
        null as host_key,
        cluster_key
    from mart.fct_cluster_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

used as (
    select
        members.dimension,
        members.member_key
    from levels
    cross join
        lateral (
            values
            ('consumer', levels.consumer_key),
            ('host', levels.host_key),
            ('cluster', levels.cluster_key)
        ) as members (dimension, member_key)
    where members.member_key is not null
    except
    select
        members.dimension,
        members.member_key
    from mart.fct_chargeback as facts
    cross join
        lateral (
            values
            ('consumer', facts.consumer_key),
            ('host', facts.host_key),
            ('cluster', facts.cluster_key)
        ) as members (dimension, member_key)
    where facts.load_id = %(load_id)s and facts.snapshot_date = %(snapshot_date)s
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    dimension,
    member_key
from used
