-- One row per license, consumer and product that its rows name. The main one is no add-on; of several it is
-- on most rows, and of equally many it is named first.
-- Licenses taken over from an earlier load come with the rows they have there.
with

lines as (
    select
        lines.license_id,
        lines.page_number,
        lines.row_number,
        consumers.consumer_key
    from intermediate.int_consumer_lines as lines
    inner join intermediate.int_consumers as consumers
        on
            lines.load_id = consumers.load_id
            and lines.license_id = consumers.license_id
            and lines.consumer_identity = consumers.consumer_identity
    where lines.load_id = %(load_id)s
),

uses as (
    select
        lines.license_id,
        lines.consumer_key,
        mart.filled(products.product_name) as product_name,
        bool_and(coalesce(products.is_supplementary, false)) as is_supplementary,
        count(*) as line_count,
        min(products.position) as position
    from intermediate.int_line_products as products
    inner join lines
        on
            products.license_id = lines.license_id
            and products.page_number = lines.page_number
            and products.row_number = lines.row_number
    where products.load_id = %(load_id)s and mart.filled(products.product_name) is not null
    group by lines.license_id, lines.consumer_key, mart.filled(products.product_name)
),

names as (
    select
        license_id,
        product_name
    from uses
    group by license_id, product_name
),

keys as materialized (
    select
        names.license_id,
        names.product_name,
        licenses.license_key,
        mart.product_key(
            %(org_id)s, coalesce(licenses.publisher, 'Unassigned'), names.product_name, null, null
        ) as product_key
    from names
    inner join intermediate.int_license_versions as licenses on names.license_id = licenses.license_id
    where licenses.load_id = %(load_id)s
),

named as (
    select
        keys.license_key,
        uses.consumer_key,
        keys.product_key,
        uses.license_id,
        row_number() over (
            partition by uses.license_id, uses.consumer_key
            order by
                uses.is_supplementary asc,
                uses.line_count desc,
                uses.position asc,
                uses.product_name asc
        ) = 1 as is_main,
        uses.is_supplementary
    from uses
    inner join keys on uses.license_id = keys.license_id and uses.product_name = keys.product_name
    union all
    select
        fct_product_uses.license_key,
        fct_product_uses.consumer_key,
        fct_product_uses.product_key,
        fct_product_uses.license_id,
        fct_product_uses.is_main,
        fct_product_uses.is_supplementary
    from ops.taken_over_licenses as taken_over
    inner join mart.fct_product_uses
        on
            taken_over.from_load_id = fct_product_uses.load_id
            and taken_over.from_snapshot_date = fct_product_uses.snapshot_date
            and taken_over.license_id = fct_product_uses.license_id
    where taken_over.load_id = %(load_id)s
)

select
    %(load_id)s as load_id,
    %(snapshot_date)s::date as snapshot_date,
    %(org_id)s as org_id,
    license_key,
    consumer_key,
    product_key,
    license_id,
    is_main,
    is_supplementary
from named
