-- The request window as the server counts it, and how far a tenant may shrink from one snapshot to the next.

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
