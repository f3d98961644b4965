-- The star for owners: of each dimension what their published charges name, so that every key of a fact they see finds
-- its row. What they see follows the publication of a night in the same transaction, and costs no look at the nights.

-- Nobody publishes while the members of what is published are counted; readers do not notice.
lock table ops.snapshots in share row exclusive mode;

create table mart.unit_members (
    unit_key uuid not null,
    member_type text not null check (member_type in ('license', 'product', 'consumer', 'host', 'cluster', 'unit')),
    member_key uuid not null,
    night_count bigint not null check (night_count > 0),
    primary key (unit_key, member_type, member_key)
) with (fillfactor = 50); -- room for the next count beside the last one
comment on table mart.unit_members is
'One row per cost center, corporate unit or location and license, product, consumer, host, cluster or unit of its charges.';
comment on column mart.unit_members.unit_key is 'The unit that is charged.';
comment on column mart.unit_members.member_type is 'What member_key is the key of.';
comment on column mart.unit_members.member_key is
'What a published charge of the unit names, or stands above a unit that it names.';
comment on column mart.unit_members.night_count is 'In how many published nights it does; with the last one the row goes.';

create function ops.charged_members(charged_load_id bigint, charged_date date)
returns table (unit_key uuid, member_type text, member_key uuid)
language sql stable rows 100000
set search_path = pg_catalog, pg_temp
as $$
with recursive

-- A charge by its three units in one array, as many rows as consumers and licenses.
charges as materialized (
    select
        license_key,
        consumer_key,
        host_key,
        cluster_key,
        array[location_key, cost_center_key, corporate_unit_key] as unit_keys
    from mart.fct_chargeback
    where load_id = charged_load_id and snapshot_date = charged_date
),

-- A unit, and those above it.
lines (unit_key, line_key) as (
    select
        units.unit_key,
        units.unit_key as line_key
    from mart.dim_organization_units as units
    union all
    select
        lines.unit_key,
        units.parent_key as line_key
    from lines
    inner join mart.dim_organization_units as units on lines.line_key = units.unit_key
    where units.parent_key is not null
),

-- A level may have another version of host and cluster than the charge: that of the host's last row.
levels as (
    select
        charges.unit_keys,
        levels.host_key,
        levels.cluster_key
    from mart.fct_vm_consumption as levels
    inner join charges
        on levels.license_key = charges.license_key and levels.consumer_key = charges.consumer_key
    where levels.load_id = charged_load_id and levels.snapshot_date = charged_date
),

products as (
    select
        charges.unit_keys,
        uses.product_key
    from mart.fct_product_uses as uses
    inner join charges on uses.license_key = charges.license_key and uses.consumer_key = charges.consumer_key
    where uses.load_id = charged_load_id and uses.snapshot_date = charged_date
),

units as (
    select distinct
        charges.unit_keys,
        unit_keys.unit_key
    from (select distinct unit_keys from charges) as charges
    cross join lateral unnest(charges.unit_keys) as unit_keys (unit_key)
),

named as (
    select unit_keys, 'license' as member_type, license_key as member_key from charges
    union all
    select unit_keys, 'product' as member_type, product_key as member_key from products
    union all
    select unit_keys, 'consumer' as member_type, consumer_key as member_key from charges
    union all
    select unit_keys, 'host' as member_type, host_key as member_key from charges
    union all
    select unit_keys, 'host' as member_type, host_key as member_key from levels
    union all
    select unit_keys, 'cluster' as member_type, cluster_key as member_key from charges
    union all
    select unit_keys, 'cluster' as member_type, cluster_key as member_key from levels
    union all
    select units.unit_keys, 'unit' as member_type, lines.line_key as member_key
    from units
    inner join lines on units.unit_key = lines.unit_key
)

select distinct
    unnest(unit_keys) as unit_key,
    member_type,
    member_key
from named
where member_key is not null
$$;
comment on function ops.charged_members is
'What the charges of a load name, by the units that are charged: what their owners may read of each dimension.';

-- Of the database and not of the nightly job: whatever shows a night, or takes it out of sight, moves the limit with it.
create function ops.count_members() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('members/' || coalesce(new.org_id, old.org_id), 0));
    merge into mart.unit_members as members
    using (
        select
            changes.unit_key,
            changes.member_type,
            changes.member_key,
            sum(changes.nights) as nights
        from (
            select gained.*, 1 as nights from ops.charged_members(new.load_id, new.snapshot_date) as gained
            union all
            select lost.*, -1 as nights from ops.charged_members(old.load_id, old.snapshot_date) as lost
        ) as changes
        group by changes.unit_key, changes.member_type, changes.member_key
        having sum(changes.nights) <> 0
    ) as changes
        on
            members.unit_key = changes.unit_key
            and members.member_type = changes.member_type
            and members.member_key = changes.member_key
    when matched and members.night_count + changes.nights <= 0 then delete
    when matched then update set night_count = members.night_count + changes.nights
    when not matched and changes.nights > 0 then
        insert (unit_key, member_type, member_key, night_count)
        values (changes.unit_key, changes.member_type, changes.member_key, changes.nights);
    return null;
end
$$;

insert into mart.unit_members (unit_key, member_type, member_key, night_count)
select
    members.unit_key,
    members.member_type,
    members.member_key,
    count(*) as night_count
from ops.snapshots
cross join lateral ops.charged_members(snapshots.load_id, snapshots.snapshot_date) as members
group by members.unit_key, members.member_type, members.member_key;
analyze mart.unit_members;

create trigger count_members after insert or delete or update of load_id on ops.snapshots
for each row execute function ops.count_members();

-- Unit by unit: the planner, which cannot know how few units a reader has, would read the members of all.
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
$$;
comment on function ops.granted_members is
'The keys of the licenses, products, consumers, hosts, clusters or units that published charges of a reader''s units name.';

drop table mart.dim_unit_members;

-- Which versions a published night uses is looked up among what was counted, and among the facts where a member has no
-- charge. Owners see nothing that was not counted, so that none of their questions gets as far as the facts. A load is found
-- by its id alone, as in the wide views: with the date as a second condition, which says the same, the planner expects a
-- few rows where there are all of a night, and looks through a dimension once for each of them.
create index unit_members_member on mart.unit_members (member_key, member_type);

create view mart.published_members as
select
    member_type,
    member_key
from mart.unit_members;
comment on view mart.published_members is
'One row per license, product, consumer, host, cluster or unit and unit of its charges in published nights.';
comment on column mart.published_members.member_type is 'What member_key is the key of.';
comment on column mart.published_members.member_key is 'What a charge names, or stands above a unit that it names.';

create or replace view bi.dim_product with (security_invoker = true) as
select
    dim_products.product_key,
    dim_products.org_id,
    dim_products.product_name,
    dim_products.publisher,
    dim_products.edition,
    dim_products.version
from mart.dim_products
where
    (
        select true
        from mart.published_members as published
        where published.member_key = dim_products.product_key and published.member_type = 'product'
        limit 1
    )
    or (
        select true
        from mart.dim_licenses
        inner join bi.dim_license as visible on dim_licenses.license_key = visible.license_key
        where dim_licenses.product_key = dim_products.product_key
        limit 1
    )
    or (
        select true
        from mart.fct_product_uses as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.product_key = dim_products.product_key
        limit 1
    );

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
where
    (
        select true
        from mart.published_members as published
        where published.member_key = dim_licenses.license_key and published.member_type = 'license'
        limit 1
    )
    or (
        select true
        from mart.fct_license_positions as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where
            facts.license_id = dim_licenses.license_id
            and facts.org_id = dim_licenses.org_id
            and facts.license_key = dim_licenses.license_key
        limit 1
    );

create or replace view bi.dim_consumer with (security_invoker = true) as
select
    dim_consumers.consumer_key,
    dim_consumers.org_id,
    dim_consumers.consumer_type,
    case dim_consumers.consumer_type
        when 'device' then coalesce(dim_consumers.device_name, dim_consumers.device_id)
        when 'user' then coalesce(dim_consumers.user_name, dim_consumers.user_id)
        else 'Unallocated'
    end as consumer,
    dim_consumers.device_id,
    dim_consumers.device_name,
    dim_consumers.device_type,
    dim_consumers.user_id,
    dim_consumers.user_name
from mart.dim_consumers
where
    (
        select true
        from mart.published_members as published
        where published.member_key = dim_consumers.consumer_key and published.member_type = 'consumer'
        limit 1
    )
    or (
        select true
        from mart.fct_chargeback as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.consumer_key = dim_consumers.consumer_key
        limit 1
    )
    or (
        select true
        from mart.fct_members as members
        inner join ops.snapshots on members.load_id = snapshots.load_id
        where members.member_key = dim_consumers.consumer_key and members.dimension = 'consumer'
        limit 1
    );

create or replace view bi.dim_host with (security_invoker = true) as
select
    dim_hosts.host_key,
    dim_hosts.org_id,
    dim_hosts.host_id,
    coalesce(dim_hosts.host_name, dim_hosts.host_id) as host_name
from mart.dim_hosts
where
    (
        select true
        from mart.published_members as published
        where published.member_key = dim_hosts.host_key and published.member_type = 'host'
        limit 1
    )
    or (
        select true
        from mart.fct_chargeback as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.host_key = dim_hosts.host_key
        limit 1
    )
    or (
        select true
        from mart.fct_members as members
        inner join ops.snapshots on members.load_id = snapshots.load_id
        where members.member_key = dim_hosts.host_key and members.dimension = 'host'
        limit 1
    )
union all
select
    md5('no host of ' || org_id)::uuid as host_key,
    org_id,
    null as host_id,
    'Unassigned' as host_name
from ops.snapshots
group by org_id;

create or replace view bi.dim_cluster with (security_invoker = true) as
select
    dim_clusters.cluster_key,
    dim_clusters.org_id,
    dim_clusters.cluster_id,
    coalesce(dim_clusters.cluster_name, dim_clusters.cluster_id) as cluster_name
from mart.dim_clusters
where
    (
        select true
        from mart.published_members as published
        where published.member_key = dim_clusters.cluster_key and published.member_type = 'cluster'
        limit 1
    )
    or (
        select true
        from mart.fct_chargeback as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.cluster_key = dim_clusters.cluster_key
        limit 1
    )
    or (
        select true
        from mart.fct_members as members
        inner join ops.snapshots on members.load_id = snapshots.load_id
        where members.member_key = dim_clusters.cluster_key and members.dimension = 'cluster'
        limit 1
    )
union all
select
    md5('no cluster of ' || org_id)::uuid as cluster_key,
    org_id,
    null as cluster_id,
    'Unassigned' as cluster_name
from ops.snapshots
group by org_id;

create or replace view mart.published_units with (security_invoker = true) as
select units.*
from mart.dim_organization_units as units
where
    (
        select true
        from mart.published_members as published
        where published.member_key = units.unit_key and published.member_type = 'unit'
        limit 1
    )
    or (
        select true
        from mart.fct_unit_totals as facts
        inner join ops.snapshots on facts.load_id = snapshots.load_id
        where facts.unit_key = units.unit_key
        limit 1
    );

-- Facts as the wide views: licenses are joined from the left, so that a query pays only for what it asks of them.
create or replace view bi.fact_chargeback with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    coalesce(facts.product_key, dim_licenses.product_key) as product_key,
    facts.consumer_key,
    coalesce(facts.host_key, md5('no host of ' || facts.org_id)::uuid) as host_key,
    coalesce(facts.cluster_key, md5('no cluster of ' || facts.org_id)::uuid) as cluster_key,
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

create or replace view bi.fact_product_use with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.product_key,
    facts.consumer_key,
    facts.is_main,
    facts.is_supplementary
from ops.snapshots
inner join mart.fct_product_uses as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create or replace view bi.fact_vm_consumption with (security_invoker = true) as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.consumer_key,
    coalesce(facts.host_key, md5('no host of ' || facts.org_id)::uuid) as host_key,
    coalesce(facts.cluster_key, md5('no cluster of ' || facts.org_id)::uuid) as cluster_key,
    facts.installed_cores,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_vm_consumption as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

delete from ops.access_rules where table_name ~ '^bi\.(dim|fact)_';
update ops.access_rules
set reason = 'Units granted, those that own charges name beside them, and those above both.'
where table_name = 'mart.dim_organization_units';
comment on column ops.access_rules.is_for_owners is
'Whether owners may read a view of bi at all; most that are closed to them are empty, so that a model on them opens.';

insert into ops.access_rules (table_name, owner_condition, loader_right, reason) values
('mart.dim_dates', 'true', 'write', 'A calendar: the same everywhere.'),
(
    'mart.dim_publishers', 'publisher_key in (select dim_licenses.publisher_key from mart.dim_licenses)', 'write',
    'Publishers of own licenses; row security applies to the licenses that are looked up.'
),
(
    'mart.dim_products',
    'product_key in (select ops.granted_members(current_user, ''product''))
or product_key in (select dim_licenses.product_key from mart.dim_licenses)',
    'write', 'Products that own charges use, and those of own licenses.'
),
(
    'mart.fct_product_uses',
    'consumer_key in (select ops.granted_members(current_user, ''consumer''))
and exists (
    select 1 from mart.fct_chargeback as charges
    where
        charges.load_id = fct_product_uses.load_id
        and charges.snapshot_date = fct_product_uses.snapshot_date
        and charges.license_key = fct_product_uses.license_key
        and charges.consumer_key = fct_product_uses.consumer_key
)',
    'write', 'A product is seen with the charge it is used for; row security applies to the charges that are looked up.'
),
('mart.unit_members', null, 'read', 'Only the trigger of ops.snapshots writes it.'),
(
    'mart.published_members', 'true', 'read',
    'Keys only, and only asked for one that is seen already; the units they belong to are not in it.'
);
