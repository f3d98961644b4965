-- A query that joins all dimensions is planned by what the planner expects of each. Of a look at the facts, and of a union,
-- it expects too little, so that it went through hosts and clusters once for every charge. Dimensions of bi are plain tables
-- now: publishing notes which rows are shown, and what stands for no host or cluster is a row as any other.

-- Nobody publishes while it is worked out what is shown; readers do not notice.
lock table ops.snapshots in share row exclusive mode;

create temporary table shown (member_key uuid primary key) on commit drop;
insert into shown (member_key)
select license_key from bi.dim_license
union
select product_key from bi.dim_product
union
select publisher_key from bi.dim_publisher
union
select consumer_key from bi.dim_consumer
union
select host_key from bi.dim_host
union
select cluster_key from bi.dim_cluster
union
select unit_key from mart.published_units;
analyze shown;

-- How many loads the facts are of is asked of a whole table, and only its partitions have been counted: the planner takes 200
-- loads for granted, and of few published nights it expects to find almost nothing. Once something is known of the whole, it
-- goes by the nights that are published, which are counted. That it is known is enough: it need not be kept up to date.
create or replace function ops.analyze_load(table_name regclass, load_id bigint, snapshot_date date) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select 1
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where
            pg_class.oid = table_name
            and pg_namespace.nspname in ('staging', 'intermediate', 'mart', 'ops')
    ) then
        raise insufficient_privilege using message = format('%s is no table of the warehouse.', table_name);
    end if;
    execute format(
        'analyze %s', coalesce(ops.partition_of(table_name, load_id, snapshot_date), table_name::text)
    );
    if
        exists (
            select 1 from pg_partitioned_table
            where pg_partitioned_table.partrelid = table_name and pg_partitioned_table.partstrat = 'r'
        )
        and not exists (
            select 1
            from pg_class
            inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
            inner join pg_stats
                on pg_namespace.nspname = pg_stats.schemaname and pg_class.relname = pg_stats.tablename
            where pg_class.oid = table_name and pg_stats.attname = 'load_id' and pg_stats.inherited
        )
    then
        execute format('analyze %s (load_id)', table_name);
    end if;
end
$$;

do $$
declare
    fact regclass;
    newest record;
begin
    select load_id, snapshot_date into newest from ops.snapshots order by snapshot_date desc limit 1;
    for fact in
        select pg_partitioned_table.partrelid::regclass
        from pg_catalog.pg_partitioned_table
        where pg_partitioned_table.partstrat = 'r'
    loop
        execute format('alter table %s alter column load_id set (n_distinct_inherited = 1)', fact);
        if newest.load_id is not null then
            perform ops.analyze_load(fact, newest.load_id, newest.snapshot_date);
        end if;
    end loop;
end
$$;

-- From here on readers wait, for a moment: rows are not rewritten, but for those that are not shown. As a reader does, the
-- views are locked before the tables.
alter view bi.dim_date set (security_invoker = true);
alter view bi.dim_license set (security_invoker = true);
alter view bi.dim_product set (security_invoker = true);
alter view bi.dim_publisher set (security_invoker = true);
alter view bi.dim_consumer set (security_invoker = true);
alter view bi.dim_host set (security_invoker = true);
alter view bi.dim_cluster set (security_invoker = true);
alter view bi.dim_cost_center set (security_invoker = true);
alter view bi.dim_corporate_unit set (security_invoker = true);
alter view bi.dim_location set (security_invoker = true);
alter view bi.fact_chargeback set (security_invoker = true);
alter view bi.fact_vm_consumption set (security_invoker = true);
alter view bi.fact_host_consumption set (security_invoker = true);

-- What facts without a host or cluster are given for a key, worked out once per night and not for every charge that is
-- compared with a host.
alter table ops.snapshots
add column no_host_key uuid not null generated always as (md5('no host of ' || org_id)::uuid) stored,
add column no_cluster_key uuid not null generated always as (md5('no cluster of ' || org_id)::uuid) stored;
comment on column ops.snapshots.no_host_key is 'The key in mart.dim_hosts of what stands for no host.';
comment on column ops.snapshots.no_cluster_key is 'The key in mart.dim_clusters of what stands for no cluster.';

-- Without statistics the planner takes nearly all rows for shown, which is right: at the first night, whose rows are
-- counted before they are shown, they would say none.
alter table mart.dim_licenses add column shown_since timestamptz default now();
alter table mart.dim_licenses alter column shown_since drop default, alter column shown_since set statistics 0;
alter table mart.dim_products add column shown_since timestamptz default now();
alter table mart.dim_products alter column shown_since drop default, alter column shown_since set statistics 0;
alter table mart.dim_publishers add column shown_since timestamptz default now();
alter table mart.dim_publishers alter column shown_since drop default, alter column shown_since set statistics 0;
alter table mart.dim_consumers add column shown_since timestamptz default now();
alter table mart.dim_consumers alter column shown_since drop default, alter column shown_since set statistics 0;
alter table mart.dim_hosts add column shown_since timestamptz default now();
alter table mart.dim_hosts alter column shown_since drop default, alter column shown_since set statistics 0;
alter table mart.dim_clusters add column shown_since timestamptz default now();
alter table mart.dim_clusters alter column shown_since drop default, alter column shown_since set statistics 0;
alter table mart.dim_organization_units add column shown_since timestamptz default now();
alter table mart.dim_organization_units
alter column shown_since drop default, alter column shown_since set statistics 0;

update mart.dim_licenses set shown_since = null
where license_key not in (select member_key from shown);
update mart.dim_products set shown_since = null
where product_key not in (select member_key from shown);
update mart.dim_publishers set shown_since = null
where publisher_key not in (select member_key from shown);
update mart.dim_consumers set shown_since = null
where consumer_key not in (select member_key from shown);
update mart.dim_hosts set shown_since = null
where host_key not in (select member_key from shown);
update mart.dim_clusters set shown_since = null
where cluster_key not in (select member_key from shown);
update mart.dim_organization_units set shown_since = null
where unit_key not in (select member_key from shown);

comment on column mart.dim_licenses.shown_since is
'Since when a published night names the version, so that bi shows it; empty while none does.';
comment on column mart.dim_products.shown_since is
'Since when a published night names the product, so that bi shows it; empty while none does.';
comment on column mart.dim_publishers.shown_since is
'Since when a published night names the publisher, so that bi shows it; empty while none does.';
comment on column mart.dim_consumers.shown_since is
'Since when a published night names the version, so that bi shows it; empty while none does.';
comment on column mart.dim_hosts.shown_since is
'Since when a published night names the version, so that bi shows it; empty while none does.';
comment on column mart.dim_clusters.shown_since is
'Since when a published night names the version, so that bi shows it; empty while none does.';
comment on column mart.dim_organization_units.shown_since is
'Since when a published night names the unit, so that bi shows it; empty while none does.';

-- What stands for no host and no cluster: facts go without a key, and bi.fact_* give them this one.
insert into mart.dim_hosts (host_key, org_id, host_identity, host_name, shown_since)
select distinct no_host_key, org_id, 'none', 'Unassigned', now() from ops.snapshots;
insert into mart.dim_clusters (cluster_key, org_id, cluster_identity, cluster_name, shown_since)
select distinct no_cluster_key, org_id, 'none', 'Unassigned', now() from ops.snapshots;

-- Conditions that all rows fulfill which a fact names are written as a case that is not null, of which the planner expects
-- nearly all rows: that a day is in the calendar, a unit in its tree. Of plain ones it expects a ninth of the days, and as few
-- units as the tree has of all, once for each tree that is joined. The latest day is a comparison that it has an estimate for.
create or replace view bi.dim_date with (security_invoker = true) as
select
    dates.calendar_date as snapshot_date,
    dates.year,
    dates.quarter,
    dates.month,
    dates.month_name,
    dates.year_month,
    dates.month_start,
    dates.iso_week,
    dates.day_of_month,
    dates.day_of_week,
    dates.day_name,
    dates.is_weekend,
    dates.is_month_end,
    snapshots.snapshot_date is not null as has_snapshot,
    coalesce(snapshots.snapshot_date = snapshots.last_of_month, false) as is_last_snapshot_of_month,
    snapshots.snapshot_date is not distinct from published.last_date as is_latest_snapshot
from mart.dim_dates as dates
cross join
    (
        select
            min(snapshot_date) as first_date,
            max(snapshot_date) as last_date
        from ops.snapshots
    ) as published
left join
    (
        select
            snapshot_date,
            max(snapshot_date) over (partition by date_trunc('month', snapshot_date::timestamp)) as last_of_month
        from ops.snapshots
        group by snapshot_date
    ) as snapshots
    on dates.calendar_date = snapshots.snapshot_date
where
    case
        when
            dates.calendar_date >= date_trunc('year', published.first_date::timestamp)
            and dates.calendar_date < date_trunc('year', published.last_date::timestamp) + interval '1 year'
            then true
    end is not null;

create or replace view bi.dim_license with (security_invoker = true) as
select
    dim_licenses.license_key,
    dim_licenses.org_id,
    dim_licenses.license_id,
    dim_licenses.license_name,
    dim_licenses.license_type,
    coalesce(license_types.unit, 'Units') as unit,
    dim_licenses.publisher,
    dim_licenses.edition,
    dim_licenses.version,
    dim_licenses.license_status,
    dim_licenses.expires_on
from mart.dim_licenses
left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
where dim_licenses.shown_since is not null;

create or replace view bi.dim_product with (security_invoker = true) as
select
    product_key,
    org_id,
    product_name,
    publisher,
    edition,
    version
from mart.dim_products
where shown_since is not null;

create or replace view bi.dim_publisher with (security_invoker = true) as
select
    publisher_key,
    org_id,
    publisher
from mart.dim_publishers
where shown_since is not null;

create or replace view bi.dim_consumer with (security_invoker = true) as
select
    consumer_key,
    org_id,
    consumer_type,
    case consumer_type
        when 'device' then coalesce(device_name, device_id)
        when 'user' then coalesce(user_name, user_id)
        else 'Unallocated'
    end as consumer,
    device_id,
    device_name,
    device_type,
    user_id,
    user_name
from mart.dim_consumers
where shown_since is not null;

create or replace view bi.dim_host with (security_invoker = true) as
select
    host_key,
    org_id,
    host_id,
    coalesce(host_name, host_id) as host_name
from mart.dim_hosts
where shown_since is not null;

create or replace view bi.dim_cluster with (security_invoker = true) as
select
    cluster_key,
    org_id,
    cluster_id,
    coalesce(cluster_name, cluster_id) as cluster_name
from mart.dim_clusters
where shown_since is not null;

create or replace view bi.dim_cost_center with (security_invoker = true) as
select
    unit_key as cost_center_key,
    org_id,
    path as cost_center,
    name as cost_center_name,
    parent_key as parent_cost_center_key,
    depth,
    level_1,
    level_2,
    level_3,
    level_4,
    level_5,
    level_6,
    level_7,
    level_8,
    level_9,
    level_10,
    deeper_levels
from mart.dim_organization_units
where case hierarchy when 'cost_center' then shown_since end is not null;

create or replace view bi.dim_corporate_unit with (security_invoker = true) as
select
    unit_key as corporate_unit_key,
    org_id,
    path as corporate_unit,
    name as corporate_unit_name,
    parent_key as parent_corporate_unit_key,
    depth,
    level_1,
    level_2,
    level_3,
    level_4,
    level_5,
    level_6,
    level_7,
    level_8,
    level_9,
    level_10,
    deeper_levels
from mart.dim_organization_units
where case hierarchy when 'corporate_unit' then shown_since end is not null;

create or replace view bi.dim_location with (security_invoker = true) as
select
    unit_key as location_key,
    org_id,
    path as location,
    name as location_name,
    parent_key as parent_location_key,
    depth,
    level_1,
    level_2,
    level_3,
    level_4,
    level_5,
    level_6,
    level_7,
    level_8,
    level_9,
    level_10,
    deeper_levels
from mart.dim_organization_units
where case hierarchy when 'location' then shown_since end is not null;

create or replace view bi.fact_chargeback with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    coalesce(facts.product_key, dim_licenses.product_key) as product_key,
    facts.consumer_key,
    coalesce(facts.host_key, snapshots.no_host_key) as host_key,
    coalesce(facts.cluster_key, snapshots.no_cluster_key) as cluster_key,
    facts.cost_center_key,
    facts.corporate_unit_key,
    facts.location_key,
    facts.consuming_installations,
    facts.machine_consumption,
    facts.cost_per_right,
    facts.recharged_consumption,
    facts.recharged_cost,
    facts.currency,
    facts.recharge_approach,
    facts.derived_consumption,
    facts.derived_cost,
    facts.method_id,
    facts.delta_reason,
    facts.is_reconciled,
    facts.is_carried_forward
from ops.snapshots
inner join mart.fct_chargeback as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create or replace view bi.fact_vm_consumption with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.consumer_key,
    coalesce(facts.host_key, snapshots.no_host_key) as host_key,
    coalesce(facts.cluster_key, snapshots.no_cluster_key) as cluster_key,
    facts.installed_cores,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_vm_consumption as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create or replace view bi.fact_host_consumption with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.host_key,
    coalesce(facts.cluster_key, snapshots.no_cluster_key) as cluster_key,
    facts.installed_cores,
    facts.consuming_cores,
    facts.vm_count,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_host_consumption as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

drop view mart.published_members, mart.published_units;
delete from ops.access_rules where table_name = 'mart.published_members';
drop index mart.unit_members_member; -- nobody looks for the units of a member any more

create function ops.named_members(naming_load_id bigint, naming_date date)
returns table (member_type text, member_key uuid)
language sql stable rows 20000
set search_path = pg_catalog, pg_temp
as $$
with

charges as materialized (
    select distinct
        consumer_key,
        host_key,
        cluster_key
    from mart.fct_chargeback
    where load_id = naming_load_id and snapshot_date = naming_date
),

licenses as (
    select
        dim_licenses.license_key,
        dim_licenses.product_key,
        dim_licenses.publisher_key
    from mart.fct_license_positions as facts
    inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key
    where facts.load_id = naming_load_id and facts.snapshot_date = naming_date
),

named as (
    select 'license' as member_type, license_key as member_key from licenses
    union
    select 'publisher' as member_type, publisher_key as member_key from licenses
    union
    select 'product' as member_type, product_key as member_key from licenses
    union
    select 'product' as member_type, product_key as member_key
    from mart.fct_product_uses
    where load_id = naming_load_id and snapshot_date = naming_date
    union
    select 'consumer' as member_type, consumer_key as member_key from charges
    union
    select 'host' as member_type, host_key as member_key from charges
    union
    select 'cluster' as member_type, cluster_key as member_key from charges
    union
    select dimension as member_type, member_key
    from mart.fct_members
    where load_id = naming_load_id and snapshot_date = naming_date
    union
    select 'unit' as member_type, unit_key as member_key
    from mart.fct_unit_totals
    where load_id = naming_load_id and snapshot_date = naming_date
    union
    select unassigned.member_type, md5('no ' || unassigned.member_type || ' of ' || loads.org_id)::uuid as member_key
    from ops.loads
    cross join (values ('host'), ('cluster')) as unassigned (member_type)
    where loads.load_id = naming_load_id
)

select member_type, member_key from named where member_key is not null
$$;
comment on function ops.named_members is 'What a load names of each dimension.';

create function ops.is_named(wanted_type text, wanted_key uuid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
select case
    when wanted_type in ('license', 'product', 'publisher') and exists (
        select 1
        from mart.dim_licenses
        inner join mart.fct_license_positions as facts
            on
                dim_licenses.license_id = facts.license_id
                and dim_licenses.org_id = facts.org_id
                and dim_licenses.license_key = facts.license_key
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where wanted_key in (dim_licenses.license_key, dim_licenses.product_key, dim_licenses.publisher_key)
    ) then true
    when wanted_type = 'product' then exists (
        select 1
        from mart.fct_product_uses as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.product_key = wanted_key
    )
    when wanted_type = 'unit' then exists (
        select 1
        from mart.fct_unit_totals as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.unit_key = wanted_key
    )
    when wanted_type in ('consumer', 'host', 'cluster') then
        exists (
            select 1
            from mart.fct_members as facts
            inner join ops.snapshots on facts.load_id = snapshots.load_id
            where facts.member_key = wanted_key and facts.dimension = wanted_type
        )
        or case wanted_type
            when 'consumer' then exists (
                select 1
                from mart.fct_chargeback as facts
                inner join ops.snapshots on facts.load_id = snapshots.load_id
                where facts.consumer_key = wanted_key
            )
            when 'host' then exists (
                select 1
                from mart.fct_chargeback as facts
                inner join ops.snapshots on facts.load_id = snapshots.load_id
                where facts.host_key = wanted_key
            )
            else exists (
                select 1
                from mart.fct_chargeback as facts
                inner join ops.snapshots on facts.load_id = snapshots.load_id
                where facts.cluster_key = wanted_key
            )
        end
        or exists (select 1 from ops.snapshots where wanted_key in (no_host_key, no_cluster_key))
    else false
end
$$;
comment on function ops.is_named is 'Whether a published night names a member of a dimension, looked up among the facts.';

-- Of the database and not of the nightly job, as the count of members is. What a night names is shown with it; what a night
-- named that is gone or was built again is looked for in the others.
create function ops.show_members() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('members/' || coalesce(new.org_id, old.org_id), 0));
    if tg_op <> 'DELETE' then
        insert into mart.dim_hosts (host_key, org_id, host_identity, host_name)
        values (new.no_host_key, new.org_id, 'none', 'Unassigned')
        on conflict do nothing;
        insert into mart.dim_clusters (cluster_key, org_id, cluster_identity, cluster_name)
        values (new.no_cluster_key, new.org_id, 'none', 'Unassigned')
        on conflict do nothing;
    end if;
    with

    gained as materialized (
        select * from ops.named_members(new.load_id, new.snapshot_date)
    ),

    lost as materialized (
        select * from ops.named_members(old.load_id, old.snapshot_date)
        except
        select * from gained
    ),

    changes as materialized (
        select member_type, member_key, clock_timestamp() as shown_since from gained
        union all
        select member_type, member_key, null as shown_since from lost
        where not ops.is_named(member_type, member_key)
    ),

    licenses as (
        update mart.dim_licenses as members set shown_since = changes.shown_since
        from changes
        where
            changes.member_type = 'license'
            and members.license_key = changes.member_key
            and (members.shown_since is null) <> (changes.shown_since is null)
    ),

    products as (
        update mart.dim_products as members set shown_since = changes.shown_since
        from changes
        where
            changes.member_type = 'product'
            and members.product_key = changes.member_key
            and (members.shown_since is null) <> (changes.shown_since is null)
    ),

    publishers as (
        update mart.dim_publishers as members set shown_since = changes.shown_since
        from changes
        where
            changes.member_type = 'publisher'
            and members.publisher_key = changes.member_key
            and (members.shown_since is null) <> (changes.shown_since is null)
    ),

    consumers as (
        update mart.dim_consumers as members set shown_since = changes.shown_since
        from changes
        where
            changes.member_type = 'consumer'
            and members.consumer_key = changes.member_key
            and (members.shown_since is null) <> (changes.shown_since is null)
    ),

    hosts as (
        update mart.dim_hosts as members set shown_since = changes.shown_since
        from changes
        where
            changes.member_type = 'host'
            and members.host_key = changes.member_key
            and (members.shown_since is null) <> (changes.shown_since is null)
    ),

    clusters as (
        update mart.dim_clusters as members set shown_since = changes.shown_since
        from changes
        where
            changes.member_type = 'cluster'
            and members.cluster_key = changes.member_key
            and (members.shown_since is null) <> (changes.shown_since is null)
    )

    update mart.dim_organization_units as members set shown_since = changes.shown_since
    from changes
    where
        changes.member_type = 'unit'
        and members.unit_key = changes.member_key
        and (members.shown_since is null) <> (changes.shown_since is null);
    return null;
end
$$;

create trigger show_members after insert or delete or update of load_id on ops.snapshots
for each row execute function ops.show_members();

-- Owners see what stands for no host and no cluster with any grant in its organization.
create or replace function ops.granted_members(reader name, wanted_type text) returns setof uuid
language sql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
select distinct members.member_key
from ops.granted_units(reader) as granted (unit_key)
cross join lateral (
    select unit_members.member_key
    from mart.unit_members
    where granted.unit_key = unit_members.unit_key and unit_members.member_type = wanted_type
    offset 0
) as members
union all
select md5('no ' || wanted_type || ' of ' || granted.org_id)::uuid
from ops.granted_organizations(reader) as granted (org_id)
where wanted_type in ('host', 'cluster')
$$;

-- Of what an own charge names, owners see all, and the planner is told so in the same way: of a plain condition it expects a
-- half of the rows, once for each dimension that is joined.
update ops.access_rules
set owner_condition = format('case when %s then true end is not null', owner_condition)
where
    table_name in (
        'mart.dim_licenses', 'mart.dim_products', 'mart.dim_publishers', 'mart.dim_consumers', 'mart.dim_hosts',
        'mart.dim_clusters', 'mart.dim_organization_units'
    );

-- Readers get at the new column as soon as they get at the views.
select ops.open_to_reader(reader) from unnest(ops.safe_roles()) as readers (reader) where reader <> 'chargeback_loader';
