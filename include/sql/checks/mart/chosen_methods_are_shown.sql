-- severity: fail
-- dimension: referential
-- The method that charges were derived with is the one chosen for their license among those tried, and the
-- only one: bi.method_fit and bi.chargeback tell the same.
with

charged as (
    select
        license_id,
        method_id
    from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s and method_id is not null
    group by
        license_id,
        method_id
),

chosen as (
    select
        license_id,
        count(*) as method_count,
        min(method_id) as method_id
    from mart.fct_method_fits
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s and is_chosen
    group by license_id
)

select
    coalesce(charged.license_id, chosen.license_id) as license_id,
    coalesce(charged.method_id || ' of its charges', 'one method') || ' as the only one chosen' as expected,
    case chosen.method_count
        when 1 then chosen.method_id
        else coalesce(chosen.method_count || ' methods', 'none')
    end as found
from charged
full outer join chosen on charged.license_id = chosen.license_id
where
    chosen.license_id is null
    or chosen.method_count > 1
    or charged.method_id <> chosen.method_id
order by license_id
