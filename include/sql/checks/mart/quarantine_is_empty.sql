-- severity: warn
-- dimension: completeness
-- Rows that could not be read are charged to nobody: the bill is too small until they are mended.
select
    license_id,
    'no unreadable rows' as expected,
    count(*) || ' unreadable rows, first: ' || min(coalesce(column_name || ' ', '') || reason) as found
from ops.quarantined_rows
where load_id = %(load_id)s
group by license_id
order by license_id
