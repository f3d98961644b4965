-- One row per version of a license: a changed attribute makes a new row.
select
    license_key,
    org_id,
    publisher_key,
    product_key,
    license_id,
    license_name,
    license_type,
    publisher,
    license_status,
    edition,
    version,
    expires_on
from intermediate.int_license_versions
where load_id = %(load_id)s
