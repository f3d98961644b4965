-- One row per version of a cluster.
select
    cluster_key,
    %(org_id)s as org_id,
    cluster_identity,
    cluster_id,
    cluster_name
from intermediate.int_consumer_lines
where load_id = %(load_id)s and cluster_key is not null
group by
    cluster_key,
    cluster_identity,
    cluster_id,
    cluster_name
