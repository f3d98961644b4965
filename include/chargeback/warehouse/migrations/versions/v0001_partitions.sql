-- Partitions: a list partition per load in staging and intermediate, a range partition per month in mart.

create function ops.partition_of(parent regclass, load_id bigint, snapshot_date date) returns text
language plpgsql stable
as $$
begin
    return (
        select
            format(
                '%I.%I',
                pg_namespace.nspname,
                case pg_partitioned_table.partstrat
                    when 'l' then format('%s_load_%s', pg_class.relname, load_id)
                    else format('%s_%s', pg_class.relname, to_char(snapshot_date, 'YYYY_MM'))
                end
            )
        from pg_catalog.pg_partitioned_table
        inner join pg_catalog.pg_class on pg_partitioned_table.partrelid = pg_class.oid
        inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where pg_partitioned_table.partrelid = parent
    );
end
$$;
comment on function ops.partition_of is
'The partition of a table that holds this load; null for a table that has no partitions.';

-- A partition is built beside its parent and then attached: attaching lets readers and writers of the other
-- partitions go on, which "create table ... partition of" would not.
create function ops.ensure_partitions(load_id bigint, snapshot_date date) returns void
language plpgsql
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
comment on function ops.ensure_partitions is
'Creates what is missing of a load''s partitions in staging, intermediate and mart; may be called again.';

create function ops.analyze_load(table_name regclass, load_id bigint, snapshot_date date) returns void
language plpgsql
as $$
begin
    execute format(
        'analyze %s', coalesce(ops.partition_of(table_name, load_id, snapshot_date), table_name::text)
    );
end
$$;
comment on function ops.analyze_load is
'Refreshes the statistics of what a load wrote: its one partition, however many loads came before.';
