-- The request window as the server counts it, how far a tenant may shrink from one snapshot to the next, what the
-- maintenance has dropped of a load, and what the API says of a machine's capacity.

alter table ops.request_budgets
add column noted_request bigint not null default 0,
add column window_started_at timestamptz;
comment on column ops.request_budgets.noted_request is
'The newest request whose reply told what remains; replies to older ones come too late to tell anything.';
comment on column ops.request_budgets.window_started_at is
'When the server was last seen to begin a new window, that is, when what remains rose again.';

alter table ops.loads
add column allowed_shrink_percent numeric not null default 20
check (allowed_shrink_percent between 0 and 100);
comment on column ops.loads.allowed_shrink_percent is
'By how many percent the tenant may have fewer licenses or rows than in its last snapshot.';

alter table intermediate.int_consumption_lines
add column host_processors numeric,
add column capped_cores numeric,
add column processors numeric,
add column points_per_core numeric,
add column is_eligible_for_sub_capacity boolean,
add column is_allocated boolean,
add column overridden_consumption numeric;

alter table ops.loads
add column pages_dropped_at timestamptz,
add column levels_dropped_at timestamptz,
add column star_dropped_at timestamptz;
comment on column ops.loads.pages_dropped_at is
'When the maintenance dropped the load''s raw pages; from then on the date cannot be rebuilt from them.';
comment on column ops.loads.levels_dropped_at is 'When the maintenance dropped the load''s intermediate rows.';
comment on column ops.loads.star_dropped_at is 'When the maintenance deleted the load''s facts; never of a visible load.';

create table ops.notices (
    load_id bigint not null references ops.loads (load_id),
    event text not null check (event in ('failure', 'publish', 'starvation')),
    subject text not null,
    noticed_at timestamptz not null default clock_timestamp(),
    primary key (load_id, event, subject)
);
comment on table ops.notices is 'One row per message sent about a load, so that none is sent twice.';

create table intermediate.int_line_pools (
    load_id bigint not null,
    license_id text not null,
    page_number integer not null,
    row_number integer not null,
    position integer not null,
    pool_name text,
    capped_cores numeric,
    primary key (load_id, license_id, page_number, row_number, position)
) partition by list (load_id);
comment on table intermediate.int_line_pools is
'One row per consumption line and resource pool around its virtual machine, the innermost first.';
-- Loads of the first release get the partition they lack.
select ops.ensure_partitions(load_id, snapshot_date) from ops.loads;
