-- Cells that decide nothing about a charge and could not be read: null in their row, and noted here.

create table ops.unread_cells (
    load_id bigint not null references ops.loads (load_id),
    license_id text,
    column_name text not null,
    cell_count integer not null,
    reason text not null
);
create unique index on ops.unread_cells (load_id, license_id, column_name) nulls not distinct;
comment on table ops.unread_cells is
'One row per load, license and column with cells that could not be read and are null; their rows are charged.';
comment on column ops.unread_cells.license_id is 'Null for entries of the license list that have no id.';
comment on column ops.unread_cells.reason is 'Why the first of these cells could not be read.';
