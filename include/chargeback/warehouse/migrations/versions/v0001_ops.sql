-- Schema ops: what was loaded, how it went, and what is visible.
create schema if not exists ops;
comment on schema ops is 'Ledger of the nightly job: loads, extractions, checks, quarantine, request budget.';

create table ops.loads (
    load_id bigint generated always as identity primary key,
    org_id text not null,
    snapshot_date date not null,
    source text not null check (source in ('api', 'raw')),
    pages_load_id bigint not null references ops.loads (load_id),
    rebuild_of bigint references ops.loads (load_id),
    status text not null
    check (status in ('running', 'failed', 'published', 'superseded', 'abandoned')),
    on_license_failure text not null default 'fail'
    check (on_license_failure in ('fail', 'keep_previous')),
    filters jsonb not null default '{}',
    dag_run_id text,
    failure text,
    license_count integer,
    row_count bigint,
    page_count bigint,
    request_count bigint,
    recharged_cost numeric,
    star_checked_at timestamptz,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    published_at timestamptz
);
comment on table ops.loads is 'One row per attempt to build a snapshot (the tenant on one date).';
create index loads_snapshot on ops.loads (org_id, snapshot_date, load_id);
create index loads_dag_run on ops.loads (dag_run_id);
create index loads_rebuild_of on ops.loads (rebuild_of) where rebuild_of is not null;
create index loads_pages on ops.loads (pages_load_id);

create table ops.extractions (
    extraction_id bigint generated always as identity primary key,
    load_id bigint not null references ops.loads (load_id),
    license_id text not null,
    attempt integer not null check (attempt > 0),
    status text not null check (status in ('running', 'complete', 'failed', 'deleted')),
    page_count integer not null default 0 check (page_count >= 0),
    row_count bigint not null default 0 check (row_count >= 0),
    request_count integer not null default 0 check (request_count >= 0),
    byte_count bigint not null default 0 check (byte_count >= 0),
    next_page text,
    error text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    seconds numeric generated always as (
        round(extract(epoch from finished_at - started_at), 3)
    ) stored,
    unique (load_id, license_id, attempt)
);
comment on table ops.extractions is
'One row per attempt to read one license''s consumption pages from the API.';

create table ops.load_licenses (
    load_id bigint not null references ops.loads (load_id),
    license_id text not null,
    position integer not null,
    license_name text,
    license_type text,
    publisher text,
    is_selected boolean not null,
    extraction_id bigint references ops.extractions (extraction_id),
    primary key (load_id, license_id)
);
comment on table ops.load_licenses is
'One row per load and license of the tenant: whether the run wants it, and the extraction it is built from.';
create index load_licenses_extraction on ops.load_licenses (extraction_id) where extraction_id is not null;

create table ops.snapshots (
    org_id text not null,
    snapshot_date date not null,
    load_id bigint not null unique references ops.loads (load_id),
    published_at timestamptz not null default clock_timestamp(),
    primary key (org_id, snapshot_date)
);
comment on table ops.snapshots is 'One row per organization and date: the load that bi shows.';

create table ops.check_results (
    load_id bigint not null references ops.loads (load_id),
    layer text not null,
    check_name text not null,
    severity text not null check (severity in ('fail', 'warn')),
    is_passed boolean not null,
    failing_row_count bigint not null,
    sample jsonb not null default '[]',
    checked_at timestamptz not null default clock_timestamp(),
    primary key (load_id, layer, check_name)
);
comment on table ops.check_results is
'One row per load and check: passed or not, with the first rows that broke it.';

create table ops.quarantined_rows (
    load_id bigint not null references ops.loads (load_id),
    license_id text not null,
    page_number integer not null,
    row_number integer not null,
    column_name text,
    reason text not null,
    payload text,
    quarantined_at timestamptz not null default clock_timestamp(),
    primary key (load_id, license_id, page_number, row_number)
);
comment on table ops.quarantined_rows is
'One row per consumption row of the API that could not be read, and why.';

create table ops.request_budgets (
    budget_id text primary key,
    next_request_at timestamptz not null default clock_timestamp(),
    blocked_until timestamptz,
    last_remaining integer,
    request_count bigint not null default 0,
    throttled_count bigint not null default 0
);
comment on table ops.request_budgets is
'One row per API budget: when the next request may be sent by anyone.';
