-- Two views that would be empty for owners, though they hold something that is theirs: the dates that are published,
-- and what the methods behind their charges do.

create or replace view bi.snapshot as
select
    snapshots.snapshot_date,
    snapshots.org_id,
    coalesce(loads.status, 'published') as status,
    loads.source,
    loads.license_count,
    loads.row_count,
    loads.page_count,
    loads.request_count,
    loads.recharged_cost,
    loads.started_at,
    snapshots.published_at,
    loads.dag_run_id
from ops.snapshots
left join ops.loads on snapshots.load_id = loads.load_id;

create view mart.published_methods as
select distinct facts.method_id
from mart.fct_method_fits as facts
inner join ops.snapshots
    on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date;
comment on view mart.published_methods is 'One row per method that a license of a published snapshot was tried with.';
comment on column mart.published_methods.method_id is 'Name and version of the method.';

create or replace view bi.method as
select
    method_id,
    explanation,
    source
from mart.recharge_methods
where method_id in (select published_methods.method_id from mart.published_methods);
