-- One row per version of a consumer, host or cluster that the facts of the load use.
with

used as (
    select
        consumer_key,
        host_key,
        cluster_key
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
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
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    members.dimension,
    members.member_key
from used
cross join
    lateral (
        values
        ('consumer', used.consumer_key),
        ('host', used.host_key),
        ('cluster', used.cluster_key)
    ) as members (dimension, member_key)
where members.member_key is not null
group by members.dimension, members.member_key
