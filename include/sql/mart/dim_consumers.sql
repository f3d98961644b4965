-- One row per version of a consumer: a device, a user, or the part of a license that names neither.
select
    consumer_key,
    %(org_id)s as org_id,
    consumer_type,
    consumer_identity,
    device_id,
    device_name,
    device_type,
    user_id,
    user_name
from intermediate.int_consumers
where load_id = %(load_id)s
group by
    consumer_key,
    consumer_type,
    consumer_identity,
    device_id,
    device_name,
    device_type,
    user_id,
    user_name
