-- Who sees what: analysts read bi and nothing else. On servers where this user may not create roles, an
-- administrator creates chargeback_analyst and runs the grants below.
revoke all on schema ops, staging, intermediate, mart, bi from public;
revoke execute on all functions in schema ops, mart from public;

do $$
begin
    if not exists (select 1 from pg_catalog.pg_roles where rolname = 'chargeback_analyst') then
        create role chargeback_analyst nologin;
    end if;
exception
    when insufficient_privilege then
        raise notice 'This user may not create roles: create chargeback_analyst and grant it schema bi by hand.';
    when duplicate_object or unique_violation then
        raise notice 'chargeback_analyst was created by someone else at the same time.';
end
$$;

do $$
begin
    if exists (select 1 from pg_catalog.pg_roles where rolname = 'chargeback_analyst') then
        grant usage on schema bi to chargeback_analyst;
        grant select on all tables in schema bi to chargeback_analyst;
        alter default privileges in schema bi grant select on tables to chargeback_analyst;
    end if;
end
$$;
