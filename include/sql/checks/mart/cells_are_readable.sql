-- severity: warn
-- dimension: completeness
-- Cells that could not be read are null, and entries of the license list without an id are left out.
select
    license_id,
    'every cell can be read' as expected,
    column_name || ' cannot in ' || cell_count || ', first: ' || reason as found
from ops.unread_cells
where load_id = %(load_id)s
order by license_id, column_name
