-- Locks that no reader can take, and what the server lets every login do in this database.

comment on table ops.locks is
'One row per thing that one task at a time may do. Who does it locks the row; readers may not.';
comment on column ops.locks.name is 'What is locked: a license of a load, a snapshot, a request budget, the partitions.';

create or replace function ops.ensure_partitions(load_id bigint, snapshot_date date) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    parent record;
    child text;
    bounds text;
begin
    insert into ops.locks (name) values ('partitions') on conflict do nothing;
    perform 1 from ops.locks where name = 'partitions' for update;
    for parent in
        select
            pg_class.oid::regclass as name,
            pg_partitioned_table.partstrat as strategy
        from pg_catalog.pg_partitioned_table
        inner join pg_catalog.pg_class on pg_partitioned_table.partrelid = pg_class.oid
        inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where pg_namespace.nspname in ('staging', 'intermediate', 'mart')
        order by pg_class.oid
    loop
        child := ops.partition_of(parent.name, load_id, snapshot_date);
        if to_regclass(child) is not null then
            continue;
        end if;
        bounds := case parent.strategy
            when 'l' then format('in (%s)', load_id)
            else format(
                'from (%L) to (%L)',
                date_trunc('month', snapshot_date)::date,
                (date_trunc('month', snapshot_date) + interval '1 month')::date
            )
        end;
        execute format('create table %s (like %s including all excluding comments)', child, parent.name);
        perform ops.close_partition(child);
        execute format('alter table %s attach partition %s for values %s', parent.name, child, bounds);
    end loop;
end
$$;

create or replace function ops.count_members() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ops.locks (name) values ('members/' || coalesce(new.org_id, old.org_id)) on conflict do nothing;
    perform 1 from ops.locks where name = 'members/' || coalesce(new.org_id, old.org_id) for update;
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

create or replace function ops.show_members() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ops.locks (name) values ('members/' || coalesce(new.org_id, old.org_id)) on conflict do nothing;
    perform 1 from ops.locks where name = 'members/' || coalesce(new.org_id, old.org_id) for update;
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

-- Every login may take advisory locks and create large objects, which use up memory and disk that all share. Nothing of
-- ours uses them. Only a superuser may take them away; the doctor tells where they are open.
create view ops.open_server_functions as
select
    pg_proc.oid::regprocedure as function_name,
    pg_has_role(pg_proc.proowner, 'usage') as is_ours
from pg_catalog.pg_proc
where
    pg_proc.pronamespace = 'pg_catalog'::regnamespace
    and (
        pg_proc.proname ~ '^pg_(try_)?advisory_(xact_)?lock'
        or pg_proc.proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import')
    )
    and has_function_privilege('public', pg_proc.oid, 'execute');
comment on view ops.open_server_functions is
'One row per function of the server that every login may call to use up memory or disk of the server.';
comment on column ops.open_server_functions.function_name is 'The function with its arguments.';
comment on column ops.open_server_functions.is_ours is 'True if who asks may take the function away from everybody.';

create function ops.close_server_functions() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    open_functions text := (
        select string_agg(function_name::text, ', ') from ops.open_server_functions where is_ours
    );
begin
    if open_functions is not null then
        execute format('revoke execute on function %s from public', open_functions);
    end if;
end
$$;
comment on function ops.close_server_functions is
'Takes advisory locks and large objects from everybody, where this user may.';

create or replace function ops.apply_access() returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reader text;
begin
    return query select * from ops.create_access_roles();
    perform ops.protect_views();
    perform ops.protect_rows();
    return query select * from ops.forget_names();
    perform ops.close_all();
    perform ops.close_server_functions();
    foreach reader in array ops.safe_roles() loop
        if reader = 'chargeback_loader' then
            perform ops.open_to_loader();
        else
            perform ops.open_to_reader(reader);
        end if;
    end loop;
    if 'chargeback_owner' = any(ops.safe_roles()) then
        grant execute on function
        ops.granted_units, ops.granted_members, ops.granted_organizations to chargeback_owner;
    end if;
    if 'chargeback_auditor' = any(ops.safe_roles()) then
        grant usage on schema ops to chargeback_auditor;
        grant select on all tables in schema ops to chargeback_auditor;
    end if;
end
$$;
