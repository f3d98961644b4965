-- Who may see what, worked out from the catalog, so that tables and views of later versions are covered as well:
-- ops.apply_access() is run at the end of every migration.
--
-- Views of bi run with the rights of who reads them. The tables beneath have row security: analysts and auditors pass
-- it by a policy that says true, which the planner drops, so that their plans are those of unprotected tables. Owners
-- pass it where ops.access_rules has a condition, and nowhere else. Nobody but the loader may use the schemas of the
-- tables, so that none can be named in a query.

create table ops.access_rules (
    table_name text primary key,
    owner_condition text,
    is_for_owners boolean not null default true,
    loader_right text not null default 'write' check (loader_right in ('nothing', 'read', 'write')),
    unsampled_columns text [] not null default '{}',
    reason text not null
);
comment on table ops.access_rules is
'One row per table or view that is not as usual. Usual: owners see no row, and the loader may read and write.';
comment on column ops.access_rules.owner_condition is
'Which rows an owner sees, as a condition; null for none. A view that has one runs with the rights of its owner.';
comment on column ops.access_rules.is_for_owners is
'Whether owners may read a view of bi at all; a star of which they would see some arms only misleads them.';
comment on column ops.access_rules.unsampled_columns is
'Columns without statistics, from which the planner''s estimates would tell owners what others have.';

insert into ops.access_rules (table_name, owner_condition, loader_right, unsampled_columns, reason) values
(
    'mart.fct_chargeback',
    'cost_center_key in (select ops.granted_units(current_user))
or corporate_unit_key in (select ops.granted_units(current_user))
or location_key in (select ops.granted_units(current_user))',
    'write', '{}',
    'A charge is seen by who was granted its cost center, its corporate unit or its location.'
),
(
    'mart.fct_unit_totals', 'unit_key in (select ops.granted_units(current_user))', 'write', '{}',
    'Totals of granted subtrees, of that hierarchy; none of the units above.'
),
(
    'mart.fct_vm_consumption',
    'consumer_key in (select ops.granted_members(current_user, ''consumer''))
and exists (
    select 1 from mart.fct_chargeback as charges
    where
        charges.load_id = fct_vm_consumption.load_id
        and charges.snapshot_date = fct_vm_consumption.snapshot_date
        and charges.license_key = fct_vm_consumption.license_key
        and charges.consumer_key = fct_vm_consumption.consumer_key
)',
    'write', '{}',
    'A virtual machine is seen with its charge; row security applies to the charges that are looked up.'
),
(
    'mart.dim_licenses', 'license_key in (select ops.granted_members(current_user, ''license''))', 'write', '{}',
    'Licenses the own units are charged for.'
),
(
    'mart.dim_consumers', 'consumer_key in (select ops.granted_members(current_user, ''consumer''))', 'write',
    '{consumer_identity, device_id, device_name, user_id, user_name}',
    'Devices and users the own units are charged for.'
),
(
    'mart.dim_hosts', 'host_key in (select ops.granted_members(current_user, ''host''))', 'write',
    '{host_identity, host_id, host_name}', 'Hosts that own machines run on.'
),
(
    'mart.dim_clusters', 'cluster_key in (select ops.granted_members(current_user, ''cluster''))', 'write',
    '{cluster_identity, cluster_id, cluster_name}', 'Clusters that own machines run in.'
),
(
    'mart.dim_organization_units',
    'unit_key in (select ops.granted_units(current_user))
or unit_key in (select ops.granted_members(current_user, ''unit''))',
    'write', '{}', 'Units granted, and those that own charges name beside them.'
),
('mart.license_types', 'true', 'read', '{}', 'What types of license there are: reference, the same everywhere.'),
('mart.delta_reasons', 'true', 'read', '{}', 'The meaning of a reason: reference, the same everywhere.'),
('mart.residue_reasons', 'true', 'read', '{}', 'The meaning of a reason: reference, the same everywhere.'),
('mart.recharge_methods', 'true', 'write', '{}', 'What a method does: reference, from include/config/methods.yaml.'),
('mart.published_methods', 'true', 'read', '{}', 'Ids of methods only; the fits beneath are closed to owners.'),
('mart.core_factors', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.pvu_per_core', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.license_minimums', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.consumption_tiers', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.cloud_vcpus', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.currency_units', null, 'read', '{}', 'A seed file; migrations fill it.'),
(
    'ops.snapshots', 'org_id in (select ops.granted_organizations(current_user))', 'write', '{}',
    'Which dates of the own organizations are published.'
),
('ops.loads', null, 'write', '{}', 'Size and cost of whole snapshots: row security without a policy for owners.'),
('ops.access_grants', null, 'nothing', '{}', 'An administrator edits it.'),
('ops.access_changes', null, 'nothing', '{}', 'Only its trigger writes it.'),
('ops.access_rules', null, 'nothing', '{}', 'Only migrations write it.'),
('ops.schema_versions', null, 'read', '{}', 'Only migrations write it.'),
('mart.gap_tolerances', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.allocation_keys', null, 'read', '{}', 'A seed file; migrations fill it.'),
('mart.currencies', null, 'read', '{}', 'Reference; migrations fill it.'),
('mart.check_limits', null, 'read', '{}', 'Set by an administrator.');

insert into ops.access_rules (table_name, is_for_owners, reason) values
('bi.dim_date', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_license', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_product', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_publisher', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_consumer', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_host', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_cluster', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_cost_center', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_corporate_unit', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.dim_location', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.fact_chargeback', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.fact_license_position', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.fact_vm_consumption', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.fact_host_consumption', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.fact_cluster_consumption', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.fact_product_use', false, 'The star is whole for those who see everything; owners have the wide views.'),
('bi.data_quality', false, 'Samples of failing rows name licenses and units of others.');

-- Catalog, not data: what each relation of bi is made of, down to the columns of the tables.
create view ops.access_sources as
with recursive

-- By name and not by to_regclass, which asks whether the reader may use the schema.
listed_views as (
    select pg_class.oid
    from pg_catalog.pg_class
    inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
    inner join ops.access_rules on pg_namespace.nspname || '.' || pg_class.relname = access_rules.table_name
    where pg_class.relkind = 'v' and access_rules.owner_condition is not null
),

read_columns as (
    select
        pg_rewrite.ev_class as reader,
        pg_depend.refobjid as source,
        pg_depend.refobjsubid as column_number
    from pg_catalog.pg_rewrite
    inner join pg_catalog.pg_depend
        on
            pg_rewrite.oid = pg_depend.objid
            and pg_depend.classid = 'pg_catalog.pg_rewrite'::regclass
            and pg_depend.refclassid = 'pg_catalog.pg_class'::regclass
    where pg_rewrite.ev_class <> pg_depend.refobjid
),

behind as (
    select
        pg_class.oid as bi_relation,
        pg_class.oid as reader
    from pg_catalog.pg_class
    inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
    where pg_namespace.nspname = 'bi' and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
    union
    select
        behind.bi_relation,
        read_columns.source as reader
    from behind
    inner join read_columns on behind.reader = read_columns.reader
    where behind.reader not in (select listed_views.oid from listed_views)
)

select
    behind.bi_relation::regclass as bi_relation,
    behind.reader::regclass as source,
    pg_class.relkind as kind,
    behind.reader in (select listed_views.oid from listed_views) as is_listed_view,
    pg_class.relkind in ('v', 'r', 'p') and (pg_class.relkind = 'v' or pg_class.relrowsecurity) as is_protected,
    array(
        select pg_attribute.attname
        from pg_catalog.pg_attribute
        where
            behind.reader = pg_attribute.attrelid
            and pg_attribute.attnum > 0
            and not pg_attribute.attisdropped
            and (
                behind.reader = behind.bi_relation
                or pg_attribute.attnum in (
                    select read_columns.column_number
                    from read_columns
                    inner join behind as readers on read_columns.reader = readers.reader
                    where readers.bi_relation = behind.bi_relation and read_columns.source = behind.reader
                )
                or not exists (
                    select 1
                    from read_columns
                    inner join behind as readers on read_columns.reader = readers.reader
                    where
                        readers.bi_relation = behind.bi_relation
                        and read_columns.source = behind.reader
                        and read_columns.column_number > 0
                )
            )
        order by pg_attribute.attnum
    ) as column_names
from behind
inner join pg_catalog.pg_class on behind.reader = pg_class.oid;
comment on view ops.access_sources is
'One row per relation of bi and relation it reads, itself included: which columns, and whether rows are protected.';

create function ops.access_roles() returns text []
language sql stable
set search_path = pg_catalog, pg_temp
return array['chargeback_loader', 'chargeback_analyst', 'chargeback_owner', 'chargeback_auditor'];
comment on function ops.access_roles is 'The four roles.';

create function ops.safe_roles() returns text []
language sql stable
set search_path = pg_catalog, pg_temp
return array(
    select roles.rolname::text
    from pg_roles as roles
    where
        roles.rolname = any(ops.access_roles())
        and not roles.rolsuper
        and not roles.rolbypassrls
        and not (
            roles.rolname = 'chargeback_owner'
            and exists (
                select 1 from pg_roles as wider
                where
                    wider.rolname = any(ops.access_roles())
                    and wider.rolname <> roles.rolname
                    and pg_has_role(roles.oid, wider.oid, 'member')
            )
        )
);
comment on function ops.safe_roles is
'Those of the four roles that exist and have no attribute or membership that would open what they must not see.';

create function ops.create_access_roles() returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    missing text;
begin
    foreach missing in array ops.access_roles() loop
        if exists (select 1 from pg_roles where rolname = missing) then
            continue;
        end if;
        begin
            execute format('create role %I nologin', missing);
        exception
            when duplicate_object or unique_violation then null; -- someone else was quicker
            when insufficient_privilege then
                return next format(
                    'There is no role %s and this user may not create one. An administrator runs "create role %s '
                    'nologin"; then migrate again.', missing, missing
                );
        end;
    end loop;
    return query
    select format(
        'Role %s was given nothing: it is a superuser, bypasses row security, or is a member of a role that sees '
        'more. Take that away and migrate again.', rolname
    )
    from pg_roles
    where rolname = any(ops.access_roles()) and rolname <> all(ops.safe_roles());
end
$$;
comment on function ops.create_access_roles is 'Creates what is missing of the four roles; tells what a person must do.';

create function ops.protect_views() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found record;
begin
    for found in
        select distinct
            access_sources.source,
            case when access_sources.is_listed_view then 'false' else 'true' end as is_invoker
        from ops.access_sources
        inner join pg_class on access_sources.source = pg_class.oid
        where
            access_sources.kind = 'v'
            and access_sources.is_listed_view
            = coalesce('security_invoker=true' = any(pg_class.reloptions), false)
        order by access_sources.source desc -- a view is younger than those it is made of, and readers lock it first
    loop
        execute format('alter view %s set (security_invoker = %s)', found.source, found.is_invoker);
    end loop;
end
$$;
comment on function ops.protect_views is
'Has every view behind bi run with the rights of its reader, but for those that ops.access_rules lists.';

-- A policy's comment is what it was made from, so that what is as it should be is left alone: changing a policy waits
-- for every reader of the table.
create function ops.protect_rows() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    protected record;
    wanted record;
begin
    for protected in
        select
            pg_class.oid::regclass as name,
            pg_class.relrowsecurity as is_on,
            access_rules.owner_condition
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        left join ops.access_rules on to_regclass(access_rules.table_name) = pg_class.oid
        where
            pg_class.relkind in ('r', 'p')
            and not pg_class.relispartition
            and (
                pg_namespace.nspname in ('mart', 'bi')
                or (pg_namespace.nspname = 'ops' and access_rules.loader_right = 'write')
            )
        order by pg_class.oid
    loop
        if not protected.is_on then
            execute format('alter table %s enable row level security', protected.name);
        end if;
        for wanted in
            select
                roles.rolname as name,
                case roles.rolname
                    when 'chargeback_loader' then 'for all to chargeback_loader using (true) with check (true)'
                    when 'chargeback_owner'
                        then 'for select to chargeback_owner using (' || protected.owner_condition || ')'
                    else format('for select to %I using (true)', roles.rolname)
                end as definition,
                pg_policy.oid is not null as is_there,
                obj_description(pg_policy.oid, 'pg_policy') as is_definition
            from pg_roles as roles
            left join pg_policy
                on roles.rolname = pg_policy.polname and protected.name = pg_policy.polrelid
            where roles.rolname = any(ops.access_roles())
        loop
            if wanted.is_definition is not distinct from wanted.definition then
                continue;
            end if;
            if wanted.is_there then
                execute format('drop policy %I on %s', wanted.name, protected.name);
            end if;
            if wanted.definition is not null then
                execute format('create policy %I on %s %s', wanted.name, protected.name, wanted.definition);
                execute format('comment on policy %I on %s is %L', wanted.name, protected.name, wanted.definition);
            end if;
        end loop;
    end loop;
end
$$;
comment on function ops.protect_rows is
'Switches row security on for every table of the star and writes the policies that ops.access_rules asks for.';

create function ops.forget_names() returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    named record;
begin
    for named in
        select
            pg_namespace.nspname as schema_name,
            pg_class.relname as table_name,
            pg_class.oid as table_id,
            pg_attribute.attname as column_name,
            pg_attribute.attnum as column_number,
            pg_attribute.attstattarget is not distinct from 0 as is_unsampled,
            exists (
                select 1 from pg_stats
                where
                    pg_stats.schemaname = pg_namespace.nspname
                    and pg_stats.tablename = pg_class.relname
                    and pg_stats.attname = pg_attribute.attname
            ) as is_known
        from ops.access_rules
        inner join pg_class on to_regclass(access_rules.table_name) = pg_class.oid
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        inner join pg_attribute
            on pg_class.oid = pg_attribute.attrelid and pg_attribute.attname = any(access_rules.unsampled_columns)
    loop
        if not named.is_unsampled then
            execute format(
                'alter table %I.%I alter column %I set statistics 0',
                named.schema_name, named.table_name, named.column_name
            );
        end if;
        if not named.is_known then
            continue;
        end if;
        begin
            if current_setting('server_version_num')::integer >= 180000 then
                execute format(
                    'select pg_clear_attribute_stats(%L, %L, %L, false)',
                    named.schema_name, named.table_name, named.column_name
                );
            else
                execute format(
                    'delete from pg_statistic where starelid = %s and staattnum = %s',
                    named.table_id, named.column_number
                );
            end if;
        exception
            when insufficient_privilege then
                return next format(
                    'The planner still knows names of %s.%s, which owners could guess by EXPLAIN. A superuser runs '
                    '"delete from pg_statistic where starelid = %s and staattnum = %s" in this database, once.',
                    named.table_name, named.column_name, named.table_id, named.column_number
                );
        end;
    end loop;
end
$$;
comment on function ops.forget_names is
'Keeps names of devices, users, hosts and clusters out of the planner''s statistics; tells what a person must do.';

create function ops.close_all() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    of_whom text := (
        select string_agg(format('%I', rolname), ', ') from pg_roles where rolname = any(ops.access_roles())
    );
    all_relations text := (
        select string_agg(pg_class.oid::regclass::text, ', ')
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where
            pg_namespace.nspname in ('ops', 'staging', 'intermediate', 'mart', 'bi')
            and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
            and not pg_class.relispartition
    );
    from_whom text := concat_ws(', ', 'public', of_whom);
begin
    execute format('revoke all on schema ops, staging, intermediate, mart, bi from %s', from_whom);
    execute format('revoke all on %s from %s', all_relations, from_whom);
    execute format('revoke all on all sequences in schema ops, staging, intermediate, mart, bi from %s', from_whom);
    execute format(
        'revoke all on all functions in schema ops, staging, intermediate, mart, bi from %s', from_whom
    );
end
$$;
comment on function ops.close_all is 'Takes everything in the warehouse from everybody and from the four roles.';

create function ops.open_to_loader() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    opened record;
begin
    grant usage on schema ops, staging, intermediate, mart, bi to chargeback_loader;
    grant execute on all functions in schema mart to chargeback_loader;
    grant execute on function
    ops.partition_of, ops.ensure_partitions, ops.analyze_load, ops.drop_partitions to chargeback_loader;
    for opened in
        select
            case
                when pg_class.relkind in ('r', 'p') and coalesce(access_rules.loader_right, 'write') = 'write'
                    then 'select, insert, update, delete'
                else 'select'
            end as rights,
            string_agg(pg_class.oid::regclass::text, ', ') as names
        from pg_class
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        left join ops.access_rules on to_regclass(access_rules.table_name) = pg_class.oid
        where
            pg_namespace.nspname in ('ops', 'staging', 'intermediate', 'mart', 'bi')
            and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
            and not pg_class.relispartition
            and access_rules.loader_right is distinct from 'nothing'
        group by rights
    loop
        execute format('grant %s on %s to chargeback_loader', opened.rights, opened.names);
    end loop;
    for opened in
        select pg_depend.objid::regclass as name
        from pg_depend
        inner join pg_class on pg_depend.objid = pg_class.oid and pg_class.relkind = 'S'
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        left join ops.access_rules on to_regclass(access_rules.table_name) = pg_depend.refobjid
        where
            pg_depend.classid = 'pg_class'::regclass
            and pg_depend.refclassid = 'pg_class'::regclass
            and pg_depend.deptype in ('a', 'i')
            and pg_namespace.nspname in ('ops', 'staging', 'intermediate', 'mart')
            and coalesce(access_rules.loader_right, 'write') = 'write'
    loop
        execute format('grant usage on sequence %s to chargeback_loader', opened.name);
    end loop;
end
$$;
comment on function ops.open_to_loader is 'What the nightly job and the maintenance need, and no right to change tables.';

-- Readers are granted the views, and of everything behind them the columns that the views read. Owners are granted a
-- view only if all that is behind it is protected.
create function ops.open_to_reader(reader text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    opened record;
begin
    execute format('grant usage on schema bi to %I', reader);
    for opened in
        with

        sources as (
            select
                access_sources.*,
                bool_and(access_sources.is_protected) over (partition by access_sources.bi_relation)
                and not exists (
                    select 1 from ops.access_rules
                    where
                        to_regclass(access_rules.table_name) = access_sources.bi_relation
                        and not access_rules.is_for_owners
                ) as is_closed
            from ops.access_sources
        )

        select
            sources.source,
            string_agg(distinct format('%I', columns.name), ', ') as columns
        from sources
        cross join lateral unnest(sources.column_names) as columns (name)
        where sources.is_closed or reader <> 'chargeback_owner'
        group by sources.source
    loop
        if opened.source::text like 'bi.%' then
            execute format('grant select on %s to %I', opened.source, reader);
        else
            execute format('grant select (%s) on %s to %I', opened.columns, opened.source, reader);
        end if;
    end loop;
    for opened in
        select distinct pg_proc.oid::regprocedure as name
        from ops.access_sources
        inner join pg_rewrite on access_sources.source = pg_rewrite.ev_class
        inner join pg_depend
            on
                pg_rewrite.oid = pg_depend.objid
                and pg_depend.classid = 'pg_rewrite'::regclass
                and pg_depend.refclassid = 'pg_proc'::regclass
        inner join pg_proc on pg_depend.refobjid = pg_proc.oid
        inner join pg_namespace on pg_proc.pronamespace = pg_namespace.oid
        where
            pg_namespace.nspname in ('ops', 'mart', 'bi')
            and (not pg_proc.prosecdef or reader <> 'chargeback_owner')
        union
        select pg_proc.oid::regprocedure as name
        from pg_proc
        inner join pg_namespace on pg_proc.pronamespace = pg_namespace.oid
        where pg_namespace.nspname = 'bi' and not pg_proc.prosecdef and pg_proc.prokind = 'f'
    loop
        execute format('grant execute on function %s to %I', opened.name, reader);
    end loop;
end
$$;
comment on function ops.open_to_reader is 'The views of bi, and what is behind them only through them.';

create function ops.apply_access() returns setof text
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
comment on function ops.apply_access is
'Brings rights and policies of the whole warehouse to the rules; may be called again. Returns what a person must do.';
