-- severity: fail
-- dimension: completeness
-- The tenant has licenses and the run wants at least one of them; an empty list would publish an empty bill.
select
    'all' as license_id,
    'at least one license listed and selected' as expected,
    count(*) || ' listed, ' || count(*) filter (where is_selected) || ' selected' as found
from ops.load_licenses
where load_id = %(load_id)s
having count(*) filter (where is_selected) = 0
