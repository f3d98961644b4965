-- severity: fail
-- dimension: uniqueness
-- A license is known under one key in a load, and a consumer is charged once for it.
select
    facts.license_id,
    'one row for consumer ' || dim_consumers.consumer_identity as expected,
    count(*) || ' rows' as found
from mart.fct_chargeback as facts
inner join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
where
    facts.load_id = %(load_id)s
    and facts.snapshot_date = %(snapshot_date)s
group by
    facts.license_id,
    dim_consumers.consumer_identity
having count(*) > 1
union all
select
    keys.license_id,
    'one license key' as expected,
    count(*) || ' keys' as found
from (
    select
        license_id,
        license_key
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by
        license_id,
        license_key
) as keys
group by keys.license_id
having count(*) > 1
