-- Several organizations need not have published the same days: where one has no night of the latest day of all, it would be
-- missing from a sum without a word. So each night says whether it is the latest of its organization, and its facts with it.

alter table ops.snapshots
add column is_latest boolean not null default false,
add column is_last_of_month boolean not null default false;
comment on column ops.snapshots.is_latest is 'Whether this is the organization''s latest night; kept by the database.';
comment on column ops.snapshots.is_last_of_month is
'Whether this is the organization''s last night of its month; kept by the database.';

create function ops.mark_latest_nights() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update ops.snapshots as nights
    set is_latest = marked.is_latest, is_last_of_month = marked.is_last_of_month
    from (
        select
            org_id,
            snapshot_date,
            snapshot_date = max(snapshot_date) over (partition by org_id) as is_latest,
            snapshot_date = max(snapshot_date) over (partition by org_id, date_trunc('month', snapshot_date))
                as is_last_of_month
        from ops.snapshots
    ) as marked
    where
        nights.org_id = marked.org_id
        and nights.snapshot_date = marked.snapshot_date
        and (nights.is_latest, nights.is_last_of_month) <> (marked.is_latest, marked.is_last_of_month);
    return null;
end
$$;
comment on function ops.mark_latest_nights is 'Marks the latest night of each organization, and the last of each month.';

create trigger mark_latest_nights after insert or delete on ops.snapshots
for each statement execute function ops.mark_latest_nights();

-- The marks of the nights there are: an insert of nothing is a statement, too.
insert into ops.snapshots (org_id, snapshot_date, load_id)
select org_id, snapshot_date, load_id from ops.snapshots where false;

-- Each view is as it was, with more columns at its end. From here on its readers wait, for a moment.
do $$
declare
    found record;
    more text;
begin
    for found in
        select
            pg_class.oid::regclass as name,
            pg_class.relname,
            pg_get_viewdef(pg_class.oid) as definition
        from pg_class
        where pg_class.relnamespace = 'bi'::regnamespace and pg_class.relname like 'fact\_%'
        order by pg_class.relname
    loop
        if position(E'\n   FROM (' in found.definition) = 0 then
            raise exception 'nothing could be added to %: its definition is not as expected', found.name;
        end if;
        more := case found.relname when 'fact_chargeback' then E',\n    facts.delta' else '' end
            || E',\n    snapshots.is_latest as is_latest_snapshot,\n    snapshots.is_last_of_month as is_last_snapshot_of_month';
        execute format(
            'create or replace view %s with (security_invoker = true) as %s',
            found.name,
            regexp_replace(found.definition, E'\n   FROM \\(', more || E'\n   FROM (')
        );
        execute format(
            'comment on column %s.is_latest_snapshot is %L',
            found.name,
            'Whether the night is the latest of its organization: filter by it for the present, whichever organizations there are.'
        );
        execute format(
            'comment on column %s.is_last_snapshot_of_month is %L',
            found.name,
            'Whether the night is the last of its organization in its month: filter by it for one picture a month.'
        );
    end loop;
end
$$;
comment on column bi.fact_chargeback.delta is
'recharged_consumption minus derived_consumption, in units of the license; empty where nothing is derived.';
