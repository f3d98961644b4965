-- What owners were granted, by whom and when, and what follows from it for the rows of the star.

create table ops.access_grants (
    grantee text not null,
    org_id text not null check (org_id <> ''),
    hierarchy text not null check (hierarchy in ('cost_center', 'corporate_unit', 'location')),
    path text not null check (path <> ''),
    note text not null default '',
    granted_by text not null default session_user,
    granted_at timestamptz not null default clock_timestamp(),
    primary key (grantee, org_id, hierarchy, path)
);
comment on table ops.access_grants is
'One row per role and subtree that its members in chargeback_owner may see. An administrator edits it; it counts at once.';
comment on column ops.access_grants.grantee is
'A login, or a group that logins are members of. With chargeback_owner itself, every owner.';
comment on column ops.access_grants.path is
'The top of the subtree, as in bi: A/B is A/B and everything below it, and not A/BC.';
comment on column ops.access_grants.note is 'Why, in the words of who granted it: a ticket, a name.';
comment on column ops.access_grants.granted_by is 'The login that wrote the row; set by the database.';

create table ops.access_changes (
    change_id bigint generated always as identity primary key,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null default session_user,
    change text not null check (change in ('granted', 'changed', 'revoked')),
    grantee text not null,
    org_id text not null,
    hierarchy text not null,
    path text not null,
    note text not null
);
comment on table ops.access_changes is
'One row per change of ops.access_grants, written by the database: what stands there after it, or was revoked.';

-- As its owner, since who may edit the grants need not have rights in mart.
create function ops.stamp_access_grant() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select 1 from pg_roles where rolname = new.grantee) then
        raise foreign_key_violation using message = format(
            'There is no role %I. Create it first: a grant to a role that does not exist yet is most often a slip.',
            new.grantee
        );
    end if;
    if new.path is distinct from mart.normalized_path(new.path) then
        raise check_violation using message = format(
            '%L is no path as bi shows them: no blanks around a name, no slash at either end. Write %L.',
            new.path, mart.normalized_path(new.path)
        );
    end if;
    new.granted_by := session_user;
    new.granted_at := clock_timestamp();
    return new;
end
$$;

create function ops.note_access_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ops.access_changes (change, grantee, org_id, hierarchy, path, note)
    select
        case tg_op when 'INSERT' then 'granted' when 'UPDATE' then 'changed' else 'revoked' end,
        changed.grantee,
        changed.org_id,
        changed.hierarchy,
        changed.path,
        changed.note
    from (select case tg_op when 'DELETE' then old else new end as row) as one
    cross join lateral (select (one.row).*) as changed;
    return null;
end
$$;

create function ops.note_access_truncation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into ops.access_changes (change, grantee, org_id, hierarchy, path, note)
    select 'revoked', grantee, org_id, hierarchy, path, note from ops.access_grants;
    return null;
end
$$;

create trigger stamp before insert or update on ops.access_grants
for each row execute function ops.stamp_access_grant();
create trigger note after insert or update or delete on ops.access_grants
for each row execute function ops.note_access_change();
create trigger note_truncation before truncate on ops.access_grants
for each statement execute function ops.note_access_truncation();

-- The names that belong to a unit's charges. Dimension rows have no unit of their own: a host serves many.
create table mart.dim_unit_members (
    unit_key uuid not null,
    member_type text not null check (member_type in ('license', 'consumer', 'host', 'cluster', 'unit')),
    member_key uuid not null,
    primary key (unit_key, member_type, member_key)
);
comment on table mart.dim_unit_members is
'One row per cost center, corporate unit or location and license, consumer, host, cluster or other unit of a charge.';
comment on column mart.dim_unit_members.unit_key is 'The unit that owns the charge.';
comment on column mart.dim_unit_members.member_type is 'What member_key is the key of.';
comment on column mart.dim_unit_members.member_key is 'The license, consumer, host, cluster or other unit that the charge names.';

insert into mart.dim_unit_members (unit_key, member_type, member_key)
select distinct
    units.unit_key,
    members.member_type,
    members.member_key
from
    (
        select distinct
            license_key,
            consumer_key,
            host_key,
            cluster_key,
            location_key,
            cost_center_key,
            corporate_unit_key
        from mart.fct_chargeback
    ) as charges
cross join
    lateral (
        values (charges.location_key), (charges.cost_center_key), (charges.corporate_unit_key)
    ) as units (unit_key)
cross join
    lateral (
        values
        ('license', charges.license_key),
        ('consumer', charges.consumer_key),
        ('host', charges.host_key),
        ('cluster', charges.cluster_key),
        ('unit', charges.location_key),
        ('unit', charges.cost_center_key),
        ('unit', charges.corporate_unit_key)
    ) as members (member_type, member_key)
where members.member_key is not null;

-- The three functions that policies call. They run as their owner, since owners may not read the grants; each takes
-- the reader, since within them current_user is their owner. Nobody without usage on ops can call them by name.
create function ops.granted_units(reader name) returns setof uuid
language sql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
select distinct units.unit_key
from ops.access_grants as grants
inner join pg_catalog.pg_roles as roles on grants.grantee = roles.rolname
inner join mart.dim_organization_units as units
    on
        grants.org_id = units.org_id
        and grants.hierarchy = units.hierarchy
        and (units.path = grants.path or starts_with(units.path, grants.path || '/'))
where pg_has_role(reader, roles.oid, 'usage')
$$;
comment on function ops.granted_units is 'The keys of all units in the subtrees that a reader was granted.';

create function ops.granted_members(reader name, wanted_type text) returns setof uuid
language sql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
select distinct members.member_key
from mart.dim_unit_members as members
where
    members.unit_key in (select ops.granted_units(reader))
    and members.member_type = wanted_type
$$;
comment on function ops.granted_members is
'The keys of the licenses, consumers, hosts, clusters or units that charges of a reader''s units name.';

create function ops.granted_organizations(reader name) returns setof text
language sql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
select distinct grants.org_id
from ops.access_grants as grants
inner join pg_catalog.pg_roles as roles on grants.grantee = roles.rolname
where pg_has_role(reader, roles.oid, 'usage')
$$;
comment on function ops.granted_organizations is 'The organizations a reader was granted anything of.';

create view ops.access_overview as
select
    grants.grantee,
    grants.org_id,
    grants.hierarchy,
    grants.path,
    grants.note,
    grants.granted_by,
    grants.granted_at,
    (
        select count(*) from mart.dim_organization_units as units
        where
            grants.org_id = units.org_id
            and grants.hierarchy = units.hierarchy
            and (units.path = grants.path or starts_with(units.path, grants.path || '/'))
    ) as unit_count,
    array(
        select logins.rolname
        from pg_catalog.pg_roles as roles
        inner join pg_catalog.pg_roles as logins on pg_has_role(logins.oid, roles.oid, 'usage')
        inner join pg_catalog.pg_roles as owners on owners.rolname = 'chargeback_owner'
        where
            grants.grantee = roles.rolname
            and logins.rolcanlogin
            and not logins.rolsuper
            and pg_has_role(logins.oid, owners.oid, 'usage')
        order by logins.rolname
    ) as readers
from ops.access_grants as grants;
comment on view ops.access_overview is
'One row per grant: how many units it covers (0: the path is a slip) and which logins read by it (none: nobody does).';
