-- severity: fail
-- dimension: referential
-- Every key of a fact finds its dimension row, which is of the same organization and, in a tree, of that
-- tree; only a row without a host or cluster has no key of one.
with

chargeback as (
    select * from mart.fct_chargeback
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

product_uses as (
    select * from mart.fct_product_uses
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
),

keys as (
    select
        license_id,
        'dim_licenses' as dimension,
        license_key as key
    from mart.fct_license_positions
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        license_id,
        'dim_licenses' as dimension,
        license_key as key
    from chargeback
    union all
    select
        license_id,
        'dim_consumers' as dimension,
        consumer_key as key
    from chargeback
    union all
    select
        license_id,
        'dim_consumers' as dimension,
        consumer_key as key
    from mart.fct_vm_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        license_id,
        'dim_consumers' as dimension,
        consumer_key as key
    from product_uses
    union all
    select
        license_id,
        'dim_products' as dimension,
        product_key as key
    from product_uses
    union all
    select
        license_id,
        'dim_products' as dimension,
        product_key as key
    from chargeback
    where product_key is not null
    union all
    select
        license_id,
        'dim_hosts' as dimension,
        host_key as key
    from chargeback
    where host_key is not null
    union all
    select
        license_id,
        'dim_hosts' as dimension,
        host_key as key
    from mart.fct_host_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        license_id,
        'dim_clusters' as dimension,
        cluster_key as key
    from chargeback
    where cluster_key is not null
    union all
    select
        license_id,
        'dim_clusters' as dimension,
        cluster_key as key
    from mart.fct_cluster_consumption
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
    union all
    select
        chargeback.license_id,
        units.dimension,
        units.key
    from chargeback
    cross join
        lateral (
            values
            ('location', chargeback.location_key),
            ('cost_center', chargeback.cost_center_key),
            ('corporate_unit', chargeback.corporate_unit_key)
        ) as units (dimension, key)
    union all
    select
        license_id,
        hierarchy as dimension,
        unit_key as key
    from mart.fct_unit_totals
    where load_id = %(load_id)s and snapshot_date = %(snapshot_date)s
)

select
    keys.license_id,
    'a row of this organization in ' || case
        when keys.dimension like 'dim_%%' then keys.dimension
        else 'dim_organization_units, of the tree ' || keys.dimension
    end as expected,
    'none for key ' || coalesce(keys.key::text, 'null') as found
from keys
left join mart.dim_licenses
    on
        keys.dimension = 'dim_licenses'
        and keys.key = dim_licenses.license_key
        and dim_licenses.org_id = %(org_id)s
left join mart.dim_consumers
    on
        keys.dimension = 'dim_consumers'
        and keys.key = dim_consumers.consumer_key
        and dim_consumers.org_id = %(org_id)s
left join mart.dim_products
    on
        keys.dimension = 'dim_products'
        and keys.key = dim_products.product_key
        and dim_products.org_id = %(org_id)s
left join mart.dim_hosts
    on
        keys.dimension = 'dim_hosts'
        and keys.key = dim_hosts.host_key
        and dim_hosts.org_id = %(org_id)s
left join mart.dim_clusters
    on
        keys.dimension = 'dim_clusters'
        and keys.key = dim_clusters.cluster_key
        and dim_clusters.org_id = %(org_id)s
left join mart.dim_organization_units
    on
        keys.dimension = dim_organization_units.hierarchy
        and keys.key = dim_organization_units.unit_key
        and dim_organization_units.org_id = %(org_id)s
where
    coalesce(
        dim_licenses.license_key,
        dim_consumers.consumer_key,
        dim_products.product_key,
        dim_hosts.host_key,
        dim_clusters.cluster_key,
        dim_organization_units.unit_key
    ) is null
group by
    keys.license_id,
    keys.dimension,
    keys.key
