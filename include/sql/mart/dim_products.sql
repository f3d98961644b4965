-- One row per product: that which a license stands for by its own name, and those that its rows name.
with

licenses as (
    select * from intermediate.int_license_versions
    where load_id = %(load_id)s
),

named as (
    select
        license_id,
        mart.filled(product_name) as product_name
    from intermediate.int_line_products
    where load_id = %(load_id)s and mart.filled(product_name) is not null
    group by license_id, mart.filled(product_name)
),

products as (
    select
        org_id,
        publisher_key,
        coalesce(license_name, 'Unassigned') as product_name,
        coalesce(publisher, 'Unassigned') as publisher,
        edition,
        version
    from licenses
    union
    select
        licenses.org_id,
        licenses.publisher_key,
        named.product_name,
        coalesce(licenses.publisher, 'Unassigned') as publisher,
        null as edition,
        null as version
    from named
    inner join licenses on named.license_id = licenses.license_id
)

select
    mart.product_key(org_id, publisher, product_name, edition, version) as product_key,
    org_id,
    publisher_key,
    product_name,
    publisher,
    edition,
    version
from products
