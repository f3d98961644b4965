alter table ops.request_budgets
add column answered_at timestamptz;
comment on column ops.request_budgets.answered_at is
'When the server last gave a task its first good answer. Null: none yet, so its address may be wrong.';

-- What the budget of an API knows of its server shows that it has answered.
update ops.request_budgets
set answered_at = coalesce(window_started_at, next_request_at)
where noted_request > 0 or throttled_count > 0;
