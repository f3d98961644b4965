-- Texts. What a person cannot see is removed: controls, zero-width characters, marks of direction. The joiners U+200C and
-- U+200D stay between letters that they shape, as in Persian and in emoji.
create or replace function mart.filled(value text) returns text
language sql immutable parallel safe
return nullif(
    btrim(
        case
            when value !~ '[^!-~ ]|  ' then value
            else regexp_replace(
                normalize(
                    regexp_replace(
                        value,
                        '[\u0001-\u0008\u000E-\u001F\u007F-\u0084\u0086-\u009F\u00AD\u034F\u061C\u180E\u200B\u200E\u200F'
                        '\u202A-\u202E\u2060-\u206F\uFEFF]'
                        '|(?<![\u0600-\U0010FFFF])[\u200C\u200D]|[\u200C\u200D](?![\u0600-\U0010FFFF])',
                        '',
                        'g'
                    ),
                    nfc
                ),
                '[\u0009-\u000D\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u2800\u3000\u3164]+',
                ' ',
                'g'
            )
        end
    ),
    ''
);
comment on function mart.filled is
'The one form of a text: NFC, nothing invisible, each run of Unicode blanks one space, none at its ends; null where nothing is left.';

create or replace function mart.normalized_path(path text) returns text
language sql immutable parallel safe
return coalesce(
    nullif(
        regexp_replace(
            regexp_replace(mart.filled(path), ' *(?<!\\)/[ /]*', '/', 'g'), '^[ /]+|( |(?<!\\)/)+$', '', 'g'
        ),
        ''
    ),
    'Unassigned'
);
comment on function mart.normalized_path is
'A group''s path as "Top/Middle/Leaf": no blank names, no slash at either end, "\/" for a slash within a name; "Unassigned" for none.';

create function mart.path_names(path text) returns text []
language sql immutable parallel safe
return regexp_split_to_array(path, '(?<!\\)/');
comment on function mart.path_names is 'The names of a path, top first, each as the path writes it ("R\/D").';

-- "Unassigned" is ours. Each "(as named)" of the data gets one more, so that no two names meet.
create function mart.named_path(path text) returns text
language sql immutable parallel safe
return case
    when mart.normalized_path(path) <> 'Unassigned' or mart.filled(path) ~ '[^ /]'
        then regexp_replace(
            mart.normalized_path(path), '^(Unassigned( \(as named\))*)(?=/|$)', '\1 (as named)', 'i'
        )
    else 'Unassigned'
end;
comment on function mart.named_path is
'The path of a group that a row names: one called "Unassigned" becomes "Unassigned (as named)"; "Unassigned" for none.';

create function mart.shown_name(path_name text) returns text
language sql immutable parallel safe
return replace(path_name, '\/', '/');
comment on function mart.shown_name is 'A name of a path as a person writes it: "R/D" for "R\/D".';

-- Keys. sha256 is built in and allowed everywhere; md5 is refused by servers with FIPS.
create function mart.text_key(value text) returns uuid
language sql immutable parallel safe
return encode(substr(sha256(replace(value, '\', '\\')::bytea), 1, 16), 'hex')::uuid;
comment on function mart.text_key is 'The key of a text of any length: the first half of its SHA-256.';

create or replace function mart.version_key(variadic attributes text []) returns uuid
language sql stable parallel safe
return mart.text_key(attributes::text);

create function mart.absent_key(member_type text, org_id text) returns uuid
language sql immutable parallel safe
return mart.text_key('no ' || member_type || ' of ' || org_id);
comment on function mart.absent_key is 'The key for facts of an organization that have no host, or no cluster.';

-- Identities. Each begins with what it is made of (id:, name:, {, sha256:), so that two kinds never meet.
create function mart.bounded(identity text) returns text
language sql immutable parallel safe
return case
    when octet_length(identity) <= 500 then identity
    else 'sha256:' || encode(sha256(replace(identity, '\', '\\')::bytea), 'hex')
end;
comment on function mart.bounded is 'An identity short enough for an index: itself, or the SHA-256 of a long one.';

create function mart.identity(variadic parts text []) returns text
language sql stable parallel safe
return mart.bounded(parts::text);
comment on function mart.identity is 'An identity made of parts, written as an array, so that no two lists of parts meet.';

create or replace function mart.named_identity(id text, name text) returns text
language sql immutable parallel safe
return mart.bounded(coalesce('id:' || id, 'name:' || name));
comment on function mart.named_identity is
'What makes two rows the same user, host or cluster: the id, or else the name. Names in int_shared_names need more.';

create or replace function mart.device_identity(
    device_id text, device_name text, host_identity text, cluster_identity text
) returns text
language sql stable parallel safe
return case
    when device_id is null and device_name is not null and coalesce(host_identity, cluster_identity) is not null
        then mart.identity('name', device_name, host_identity, cluster_identity)
    else mart.named_identity(device_id, device_name)
end;

-- What a load knows of its names and paths.
create table intermediate.int_shared_names (
    load_id bigint not null,
    member_type text not null check (member_type in ('cluster', 'host', 'user')),
    name text not null,
    is_by_parent boolean not null,
    is_by_size boolean not null,
    name_key uuid not null generated always as (mart.text_key(name)) stored,
    primary key (load_id, member_type, name_key)
) partition by list (load_id);
comment on table intermediate.int_shared_names is
'One row per load and name that several clusters, hosts or users without ids share, by what their rows say beside it.';
comment on column intermediate.int_shared_names.is_by_parent is
'True: each cluster has its own host of the name, each set of groups its own user.';
comment on column intermediate.int_shared_names.is_by_size is 'True: clusters or hosts of the name differ in size.';
comment on column intermediate.int_shared_names.name_key is 'The name, short enough for an index.';

create table intermediate.int_unit_paths (
    load_id bigint not null,
    hierarchy text not null check (hierarchy in ('cost_center', 'corporate_unit', 'location')),
    given_path text not null,
    path text not null,
    given_key uuid not null generated always as (mart.text_key(given_path)) stored,
    primary key (load_id, hierarchy, given_key)
) partition by list (load_id);
comment on table intermediate.int_unit_paths is
'One row per load and group as rows name it, with the path that bi shows: units that differ only in case are one.';
comment on column intermediate.int_unit_paths.given_path is 'The text of the rows.';
comment on column intermediate.int_unit_paths.path is
'Its path, each name in the spelling that the warehouse knows, or else in that of most rows.';
comment on column intermediate.int_unit_paths.given_key is 'given_path, short enough for an index.';

select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;

-- From here on readers wait. As a reader does, the views are locked before the tables.
do $$
declare
    view_name regclass;
begin
    for view_name in
        select oid from pg_class
        where relnamespace = 'bi'::regnamespace and relkind = 'v'
        order by oid desc
    loop
        execute format('lock table %s in access exclusive mode', view_name);
    end loop;
end
$$;

-- Indexes on texts of any length: a row of a tree index holds 2,704 bytes. Keys are unique already.
alter table mart.dim_publishers drop constraint dim_publishers_org_id_publisher_key;
alter table mart.dim_organization_units drop constraint dim_organization_units_org_id_hierarchy_path_key;
alter table mart.dim_products drop constraint dim_products_org_id_publisher_product_name_edition_version_key;
drop index mart.dim_organization_units_path;
create index dim_organization_units_path on mart.dim_organization_units using hash (path);
drop index mart.dim_consumers_shown_device;
create index dim_consumers_shown_device on mart.dim_consumers using hash (mart.veiled(device_id));
alter index mart.dim_consumers_shown_device alter column 1 set statistics 0;
alter table mart.dim_organization_units
drop constraint dim_organization_units_levels,
add constraint dim_organization_units_levels check (
    mart.shown_name(path) = level_1
    || coalesce('/' || level_2, '')
    || coalesce('/' || level_3, '')
    || coalesce('/' || level_4, '')
    || coalesce('/' || level_5, '')
    || coalesce('/' || level_6, '')
    || coalesce('/' || level_7, '')
    || coalesce('/' || level_8, '')
    || coalesce('/' || level_9, '')
    || coalesce('/' || level_10, '')
    || coalesce('/' || deeper_levels, '')
);

-- Every stored row gets its new key; the foreign keys between are put back afterwards.
create temporary table new_keys (old_key uuid primary key, new_key uuid not null) on commit drop;
insert into new_keys (old_key, new_key)
select publisher_key, mart.publisher_key(org_id, publisher) from mart.dim_publishers
union all
select product_key, mart.product_key(org_id, publisher, product_name, edition, version) from mart.dim_products
union all
select
    license_key,
    mart.version_key(
        org_id, license_id, license_name, license_type, publisher, license_status, edition, version,
        to_char(expires_on, 'YYYY-MM-DD')
    )
from mart.dim_licenses
union all
select
    consumer_key,
    mart.version_key(
        org_id, consumer_type, consumer_identity, device_id, device_name, device_type, user_id, user_name
    )
from mart.dim_consumers
union all
select
    host_key,
    case host_identity
        when 'none' then mart.absent_key('host', org_id)
        else mart.version_key(org_id, host_identity, host_id, host_name)
    end
from mart.dim_hosts
union all
select
    cluster_key,
    case cluster_identity
        when 'none' then mart.absent_key('cluster', org_id)
        else mart.version_key(org_id, cluster_identity, cluster_id, cluster_name)
    end
from mart.dim_clusters
union all
select unit_key, mart.organization_unit_key(org_id, hierarchy, path) from mart.dim_organization_units;
analyze new_keys;

do $$
declare
    found record;
    constraints text [] := '{}';
    definition text;
begin
    for found in
        select conrelid::regclass as name, conname, pg_get_constraintdef(oid) as definition
        from pg_constraint
        where contype = 'f' and conparentid = 0 and confrelid::regclass::text like 'mart.dim\_%'
    loop
        constraints := constraints
            || format('alter table %s add constraint %I %s', found.name, found.conname, found.definition);
        execute format('alter table %s drop constraint %I', found.name, found.conname);
    end loop;
    for found in
        select
            attrelid::regclass as name,
            string_agg(
                format('%1$I = coalesce((select new_key from new_keys where old_key = keyed.%1$I), keyed.%1$I)', attname),
                ', '
            ) as changes
        from pg_attribute
        inner join pg_class on attrelid = pg_class.oid
        where
            relnamespace in ('mart'::regnamespace, 'intermediate'::regnamespace)
            and relkind in ('r', 'p')
            and not relispartition
            and atttypid = 'uuid'::regtype
            and attgenerated = ''
            and attnum > 0
        group by attrelid
    loop
        execute format('update %s as keyed set %s', found.name, found.changes);
    end loop;
    foreach definition in array constraints loop
        execute definition;
    end loop;
end
$$;

-- Stored keys that the database makes itself. Their views are as they were, on the new columns.
alter table ops.snapshots
add column absent_host_key uuid not null generated always as (mart.absent_key('host', org_id)) stored,
add column absent_cluster_key uuid not null generated always as (mart.absent_key('cluster', org_id)) stored;
alter table mart.dim_consumers
add column same_key uuid not null
generated always as (mart.text_key(consumer_type || ' ' || consumer_identity)) stored;

do $$
declare
    found record;
    definition text;
begin
    for found in
        select pg_class.oid::regclass as name, pg_get_viewdef(pg_class.oid) as definition
        from pg_class
        where pg_class.relnamespace = 'bi'::regnamespace and pg_class.relkind = 'v'
        order by pg_class.oid
    loop
        definition := regexp_replace(
            found.definition, '\msnapshots\.no_(host|cluster)_key\M', 'snapshots.absent_\1_key', 'g'
        );
        definition := regexp_replace(
            definition, '\mdim_consumers\.identity_key\M', 'dim_consumers.same_key', 'g'
        );
        if definition <> found.definition then
            execute format('create or replace view %s with (security_invoker = true) as %s', found.name, definition);
        end if;
    end loop;
end
$$;

alter table ops.snapshots drop column no_host_key, drop column no_cluster_key;
alter table ops.snapshots rename column absent_host_key to no_host_key;
alter table ops.snapshots rename column absent_cluster_key to no_cluster_key;
comment on column ops.snapshots.no_host_key is 'The key in mart.dim_hosts for facts without a host.';
comment on column ops.snapshots.no_cluster_key is 'The key in mart.dim_clusters for facts without a cluster.';
alter table mart.dim_consumers drop column identity_key;
alter table mart.dim_consumers rename column same_key to identity_key;
comment on column mart.dim_consumers.identity_key is 'The same for all versions of a consumer.';

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
select mart.absent_key(wanted_type, granted.org_id)
from ops.granted_organizations(reader) as granted (org_id)
where wanted_type in ('host', 'cluster')
$$;

create or replace function ops.named_members(naming_load_id bigint, naming_date date)
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
    select unassigned.member_type, mart.absent_key(unassigned.member_type, loads.org_id) as member_key
    from ops.loads
    cross join (values ('host'), ('cluster')) as unassigned (member_type)
    where loads.load_id = naming_load_id
)

select member_type, member_key from named where member_key is not null
$$;
