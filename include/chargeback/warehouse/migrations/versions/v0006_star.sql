-- What the star lacked: dates, publishers and products as dimensions, parents by key, every level of a path, and
-- constraints where a row costs little.

-- Dates. Whole years, so that a BI tool takes the table for its calendar.
create table mart.dim_dates (
    calendar_date date primary key,
    year smallint not null,
    quarter smallint not null check (quarter between 1 and 4),
    month smallint not null check (month between 1 and 12),
    month_name text not null,
    year_month text not null check (year_month ~ '^\d{4}-\d{2}$'),
    month_start date not null,
    iso_week smallint not null check (iso_week between 1 and 53),
    day_of_month smallint not null check (day_of_month between 1 and 31),
    day_of_week smallint not null check (day_of_week between 1 and 7),
    day_name text not null,
    is_weekend boolean not null,
    is_month_end boolean not null
);
comment on table mart.dim_dates is
'One row per day of every year that has a load, and of the years between.';

-- Publishers and products. Their keys, like those of every dimension, are made of their attributes.
create function mart.publisher_key(org_id text, publisher text) returns uuid
language sql stable parallel safe
return mart.version_key(org_id, 'publisher', publisher);
comment on function mart.publisher_key is 'The key of a publisher.';

create function mart.product_key(
    org_id text, publisher text, product_name text, edition text, version text
) returns uuid
language sql stable parallel safe
return mart.version_key(org_id, 'product', publisher, product_name, edition, version);
comment on function mart.product_key is
'The key of a product: that of a license has its edition and version, one that a row names has neither.';

revoke execute on function mart.publisher_key, mart.product_key from public;

create table mart.dim_publishers (
    publisher_key uuid primary key,
    org_id text not null,
    publisher text not null check (publisher <> ''),
    unique (org_id, publisher)
);
comment on table mart.dim_publishers is
'One row per publisher of a license; Unassigned for licenses without one.';

create table mart.dim_products (
    product_key uuid primary key,
    org_id text not null,
    publisher_key uuid not null references mart.dim_publishers (publisher_key),
    product_name text not null check (product_name <> ''),
    publisher text not null,
    edition text,
    version text,
    unique nulls not distinct (org_id, publisher, product_name, edition, version)
);
comment on table mart.dim_products is
'One row per product: those that consumption rows name, and for each license a product of its own name.';
create index dim_products_publisher on mart.dim_products (publisher_key);

-- A license has a publisher and stands for a product, whatever its rows name.
create or replace view intermediate.int_license_versions as
select
    int_licenses.load_id,
    loads.org_id,
    int_licenses.license_id,
    mart.filled(int_licenses.license_name) as license_name,
    mart.filled(int_licenses.license_type) as license_type,
    mart.filled(int_licenses.publisher) as publisher,
    mart.filled(int_licenses.license_status) as license_status,
    mart.filled(int_licenses.edition) as edition,
    mart.filled(int_licenses.version) as version,
    int_licenses.expires_on,
    int_licenses.purchased,
    int_licenses.consumed,
    mart.version_key(
        loads.org_id,
        int_licenses.license_id,
        mart.filled(int_licenses.license_name),
        mart.filled(int_licenses.license_type),
        mart.filled(int_licenses.publisher),
        mart.filled(int_licenses.license_status),
        mart.filled(int_licenses.edition),
        mart.filled(int_licenses.version),
        to_char(int_licenses.expires_on, 'YYYY-MM-DD')
    ) as license_key,
    mart.publisher_key(
        loads.org_id, coalesce(mart.filled(int_licenses.publisher), 'Unassigned')
    ) as publisher_key,
    mart.product_key(
        loads.org_id,
        coalesce(mart.filled(int_licenses.publisher), 'Unassigned'),
        coalesce(mart.filled(int_licenses.license_name), 'Unassigned'),
        mart.filled(int_licenses.edition),
        mart.filled(int_licenses.version)
    ) as product_key
from intermediate.int_licenses
inner join ops.loads on int_licenses.load_id = loads.load_id;

alter table mart.dim_licenses
add column publisher_key uuid references mart.dim_publishers (publisher_key),
add column product_key uuid references mart.dim_products (product_key);

insert into mart.dim_publishers (publisher_key, org_id, publisher)
select distinct
    mart.publisher_key(org_id, coalesce(publisher, 'Unassigned')),
    org_id,
    coalesce(publisher, 'Unassigned')
from mart.dim_licenses;

insert into mart.dim_products (product_key, org_id, publisher_key, product_name, publisher, edition, version)
select distinct
    mart.product_key(
        org_id, coalesce(publisher, 'Unassigned'), coalesce(license_name, 'Unassigned'), edition, version
    ),
    org_id,
    mart.publisher_key(org_id, coalesce(publisher, 'Unassigned')),
    coalesce(license_name, 'Unassigned'),
    coalesce(publisher, 'Unassigned'),
    edition,
    version
from mart.dim_licenses;

update mart.dim_licenses
set
    publisher_key = mart.publisher_key(org_id, coalesce(publisher, 'Unassigned')),
    product_key = mart.product_key(
        org_id, coalesce(publisher, 'Unassigned'), coalesce(license_name, 'Unassigned'), edition, version
    );

set constraints all immediate;

alter table mart.dim_licenses
alter column publisher_key set not null,
alter column product_key set not null;
create index dim_licenses_product on mart.dim_licenses (product_key);
create index dim_licenses_publisher on mart.dim_licenses (publisher_key);

-- Loads of earlier releases keep their rows as they are: where the key is empty, the license's own product counts.
alter table mart.fct_chargeback
add column product_key uuid;

create table mart.fct_product_uses (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_key uuid not null,
    consumer_key uuid not null,
    product_key uuid not null,
    license_id text not null,
    is_main boolean not null,
    is_supplementary boolean not null,
    primary key (load_id, license_key, consumer_key, product_key, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_product_uses is
'One row per load, license, consumer and product that its rows name; it has no figures of its own.';
create index fct_product_uses_product on mart.fct_product_uses (product_key, snapshot_date);
create index fct_product_uses_license on mart.fct_product_uses (license_id, snapshot_date);

-- Trees: parents by key, ten levels, and whatever lies deeper. The check lets no name of a path get lost.
alter table mart.dim_organization_units
add column parent_key uuid references mart.dim_organization_units (unit_key),
add column level_7 text,
add column level_8 text,
add column level_9 text,
add column level_10 text,
add column deeper_levels text;

update mart.dim_organization_units
set
    parent_key = case when depth > 0 then mart.organization_unit_key(org_id, hierarchy, parent_path) end,
    level_7 = (string_to_array(path, '/'))[7],
    level_8 = (string_to_array(path, '/'))[8],
    level_9 = (string_to_array(path, '/'))[9],
    level_10 = (string_to_array(path, '/'))[10],
    deeper_levels = nullif(array_to_string((string_to_array(path, '/'))[11:], '/'), '');

set constraints all immediate;

alter table mart.dim_organization_units
add constraint dim_organization_units_parent check ((parent_key is null) = (depth = 0)),
add constraint dim_organization_units_levels check (
    path = level_1
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
create index dim_organization_units_parent on mart.dim_organization_units (parent_key);

-- Foreign keys where the rows are few. In fct_chargeback, fct_vm_consumption, fct_product_uses and fct_unit_totals, which
-- have many, they would make an insert three times as slow: the check keys_are_whole holds theirs at every load instead.
alter table mart.fct_host_consumption
add foreign key (license_key) references mart.dim_licenses (license_key),
add foreign key (host_key) references mart.dim_hosts (host_key),
add foreign key (cluster_key) references mart.dim_clusters (cluster_key);
alter table mart.fct_cluster_consumption
add foreign key (license_key) references mart.dim_licenses (license_key),
add foreign key (cluster_key) references mart.dim_clusters (cluster_key);
alter table mart.fct_license_positions
add foreign key (license_key) references mart.dim_licenses (license_key);

-- A dimension keeps versions of every load, seen or not; bi shows those that a published load uses. These indexes find
-- them among the charges. A level may know a host, cluster or machine under another version than the charges on it do (its
-- last row of several): fct_members has those.
create index fct_chargeback_consumer on mart.fct_chargeback (consumer_key, snapshot_date);
create index fct_chargeback_host on mart.fct_chargeback (host_key) where host_key is not null;
create index fct_chargeback_cluster on mart.fct_chargeback (cluster_key) where cluster_key is not null;

create table mart.fct_members (
    load_id bigint not null,
    snapshot_date date not null,
    dimension text not null check (dimension in ('consumer', 'host', 'cluster')),
    member_key uuid not null,
    primary key (member_key, dimension, load_id, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_members is
'One row per load and version of a consumer, host or cluster that its levels use and its charges do not.';

insert into mart.dim_dates (
    calendar_date, year, quarter, month, month_name, year_month, month_start, iso_week, day_of_month, day_of_week,
    day_name, is_weekend, is_month_end
)
select
    day::date,
    extract(year from day),
    extract(quarter from day),
    extract(month from day),
    to_char(day, 'FMMonth'),
    to_char(day, 'YYYY-MM'),
    date_trunc('month', day)::date,
    extract(week from day),
    extract(day from day),
    extract(isodow from day),
    to_char(day, 'FMDay'),
    extract(isodow from day) > 5,
    day = date_trunc('month', day) + interval '1 month - 1 day'
from
    (
        select generate_series(
            date_trunc('year', min(snapshot_date)::timestamp),
            date_trunc('year', max(snapshot_date)::timestamp) + interval '1 year - 1 day',
            interval '1 day'
        ) as day
        from ops.loads
    ) as days;

-- Loads that hold rows get the partitions they lack.
select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;

insert into mart.fct_members (load_id, snapshot_date, dimension, member_key)
select facts.load_id, facts.snapshot_date, members.dimension, members.member_key
from
    (
        select load_id, snapshot_date, consumer_key, host_key, cluster_key from mart.fct_vm_consumption
        union all
        select load_id, snapshot_date, null, host_key, cluster_key from mart.fct_host_consumption
        union all
        select load_id, snapshot_date, null, null, cluster_key from mart.fct_cluster_consumption
    ) as facts
cross join
    lateral (
        values
        ('consumer', facts.consumer_key),
        ('host', facts.host_key),
        ('cluster', facts.cluster_key)
    ) as members (dimension, member_key)
where members.member_key is not null
except
select facts.load_id, facts.snapshot_date, members.dimension, members.member_key
from mart.fct_chargeback as facts
cross join
    lateral (
        values
        ('consumer', facts.consumer_key),
        ('host', facts.host_key),
        ('cluster', facts.cluster_key)
    ) as members (dimension, member_key);
