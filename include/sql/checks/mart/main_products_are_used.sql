-- severity: fail
-- dimension: referential
-- A charge counts under the main product that its rows name, of which there is one; where they name none,
-- under the product its license stands for.
with

uses as (
    select
        license_id,
        consumer_key,
        count(*) filter (where is_main) as main_count,
        max(product_key::text) filter (where is_main) as product_key
    from mart.fct_product_uses
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    group by
        license_id,
        consumer_key
),

-- Charges of loads of before there were products have none.
charges as (
    select
        facts.license_id,
        facts.consumer_key,
        facts.product_key::text as product_key,
        dim_licenses.product_key::text as license_product_key
    from mart.fct_chargeback as facts
    inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key
    where
        facts.load_id = %(load_id)s
        and facts.snapshot_date = %(snapshot_date)s
        and facts.product_key is not null
)

select
    coalesce(charges.license_id, uses.license_id) as license_id,
    dim_consumers.consumer_identity as consumer,
    coalesce('the charge under product ' || charges.product_key, 'a charge') as expected,
    case
        when charges.license_id is null then 'none'
        when uses.main_count <> 1 then uses.main_count || ' main products'
        else 'main product ' || coalesce(uses.product_key, charges.license_product_key)
    end as found
from charges
full outer join uses
    on
        charges.license_id = uses.license_id
        and charges.consumer_key = uses.consumer_key
left join mart.dim_consumers on coalesce(charges.consumer_key, uses.consumer_key) = dim_consumers.consumer_key
where
    charges.license_id is null
    or uses.main_count <> 1
    or charges.product_key <> coalesce(uses.product_key, charges.license_product_key)
order by license_id, consumer
