-- One row per version of a host.
select
    host_key,
    %(org_id)s as org_id,
    host_identity,
    host_id,
    host_name
from intermediate.int_consumer_lines
where load_id = %(load_id)s and host_key is not null
group by
    host_key,
    host_identity,
    host_id,
    host_name
