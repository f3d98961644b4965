-- What the nightly job does with tables that belong to somebody else: make, analyze and drop the partitions of a load.
-- These functions run as the owner of the tables and touch nothing but partitions of the warehouse.

create or replace function ops.ensure_partitions(load_id bigint, snapshot_date date) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    parent record;
    child text;
    bounds text;
begin
    perform pg_advisory_xact_lock(hashtextextended('license_chargeback/partitions', 0));
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
        execute format('alter table %s attach partition %s for values %s', parent.name, child, bounds);
    end loop;
end
$$;

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
end
$$;

create function ops.drop_partitions(load_id bigint, schemas text []) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    parents text;
    children text;
begin
    select
        string_agg(format('only %s', of_load.parent), ', ' order by of_load.parent),
        string_agg(of_load.child, ', ' order by of_load.parent)
    into parents, children
    from
        (
            select
                pg_class.oid::regclass::text as parent,
                ops.partition_of(pg_class.oid::regclass, drop_partitions.load_id, null) as child
            from pg_partitioned_table
            inner join pg_class on pg_partitioned_table.partrelid = pg_class.oid
            inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
            where
                pg_partitioned_table.partstrat = 'l'
                and pg_namespace.nspname in ('staging', 'intermediate')
                and pg_namespace.nspname = any(schemas)
        ) as of_load
    where to_regclass(of_load.child) is not null;
    if children is null then
        return;
    end if;
    execute format('lock table %s, %s in access exclusive mode nowait', parents, children);
    execute format('drop table %s', children);
end
$$;
comment on function ops.drop_partitions is
'Drops the partitions of a load in staging, intermediate or both if all are free at once; else 55P03, and nothing.';
