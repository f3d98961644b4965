-- One row per publisher of a license.
select
    publisher_key,
    org_id,
    coalesce(publisher, 'Unassigned') as publisher
from intermediate.int_license_versions
where load_id = %(load_id)s
group by
    publisher_key,
    org_id,
    publisher
