-- Schema intermediate: pages made flat and typed. One partition per load.
create schema intermediate;
comment on schema intermediate is 'Consumption, flattened and typed, one partition per load.';

create table intermediate.int_licenses (
    load_id bigint not null,
    license_id text not null,
    license_name text,
    license_type text,
    publisher text,
    license_status text,
    edition text,
    version text,
    expires_on date,
    purchased numeric,
    consumed numeric,
    primary key (load_id, license_id)
) partition by list (load_id);
comment on table intermediate.int_licenses is 'One row per load and license of the license list.';

create table intermediate.int_consumption_lines (
    load_id bigint not null,
    license_id text not null,
    page_number integer not null,
    row_number integer not null,
    device_id text,
    device_name text,
    device_type text,
    device_location text,
    device_cost_center text,
    device_corporate_unit text,
    user_id text,
    user_name text,
    user_location text,
    user_cost_center text,
    user_corporate_unit text,
    host_id text,
    host_name text,
    host_cores numeric,
    host_installed_cores numeric,
    host_consuming_cores numeric,
    cluster_id text,
    cluster_name text,
    cluster_cores numeric,
    cluster_installed_cores numeric,
    cluster_consuming_cores numeric,
    cores numeric,
    consuming_installations numeric,
    machine_consumption numeric,
    host_consumption numeric,
    cost_per_right numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    currency text,
    recharge_approach text,
    primary key (load_id, license_id, page_number, row_number)
) partition by list (load_id);
comment on table intermediate.int_consumption_lines is
'One row per load and readable consumption row of the API.';

create table intermediate.int_line_products (
    load_id bigint not null,
    license_id text not null,
    page_number integer not null,
    row_number integer not null,
    position integer not null,
    product_name text,
    is_supplementary boolean,
    primary key (load_id, license_id, page_number, row_number, position)
) partition by list (load_id);
comment on table intermediate.int_line_products is
'One row per consumption line and product; never crossed with instances.';

create table intermediate.int_line_instances (
    load_id bigint not null,
    license_id text not null,
    page_number integer not null,
    row_number integer not null,
    position integer not null,
    instance_name text,
    primary key (load_id, license_id, page_number, row_number, position)
) partition by list (load_id);
comment on table intermediate.int_line_instances is
'One row per consumption line and instance; never crossed with products.';

create table intermediate.int_consumer_lines (
    load_id bigint not null,
    license_id text not null,
    page_number integer not null,
    row_number integer not null,
    row_identity text,
    ordinal integer not null,
    consumer_key uuid not null,
    host_key uuid,
    cluster_key uuid,
    location_key uuid not null,
    cost_center_key uuid not null,
    corporate_unit_key uuid not null,
    consumer_type text not null check (consumer_type in ('device', 'user', 'unallocated')),
    consumer_identity text not null,
    device_identity text,
    device_id text,
    device_name text,
    device_type text,
    user_id text,
    user_name text,
    is_virtual_machine boolean not null,
    host_identity text,
    host_id text,
    host_name text,
    cluster_identity text,
    cluster_id text,
    cluster_name text,
    location text not null,
    cost_center text not null,
    corporate_unit text not null,
    cores numeric,
    host_cores numeric,
    host_installed_cores numeric,
    host_consuming_cores numeric,
    cluster_cores numeric,
    cluster_installed_cores numeric,
    cluster_consuming_cores numeric,
    consuming_installations numeric,
    machine_consumption numeric,
    host_consumption numeric,
    cost_per_right numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    currency text,
    recharge_approach text,
    primary key (load_id, license_id, page_number, row_number)
) partition by list (load_id);
comment on table intermediate.int_consumer_lines is
'One row per license, consumer and repeat; a row that the API gave on two pages is kept once.';

create table intermediate.int_virtual_machines (
    load_id bigint not null,
    license_id text not null,
    device_identity text not null,
    consumer_key uuid not null,
    host_key uuid,
    cluster_key uuid,
    host_identity text,
    cluster_identity text,
    cores numeric,
    machine_consumption numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    line_count bigint not null,
    primary key (load_id, license_id, device_identity)
) partition by list (load_id);
comment on table intermediate.int_virtual_machines is 'One row per license and virtual machine.';

create table intermediate.int_hosts (
    load_id bigint not null,
    license_id text not null,
    host_identity text not null,
    host_key uuid not null,
    cluster_key uuid,
    cluster_identity text,
    cores numeric,
    installed_cores numeric,
    consuming_cores numeric,
    consumption numeric,
    vm_count bigint not null,
    recharged_consumption numeric,
    recharged_cost numeric,
    line_count bigint not null,
    primary key (load_id, license_id, host_identity)
) partition by list (load_id);
comment on table intermediate.int_hosts is
'One row per license and host; a figure of the host that its rows repeat is taken once.';

create table intermediate.int_clusters (
    load_id bigint not null,
    license_id text not null,
    cluster_identity text not null,
    cluster_key uuid not null,
    cores numeric,
    installed_cores numeric,
    consuming_cores numeric,
    consumption numeric,
    vm_count bigint not null,
    host_count bigint not null,
    recharged_consumption numeric,
    recharged_cost numeric,
    line_count bigint not null,
    primary key (load_id, license_id, cluster_identity)
) partition by list (load_id);
comment on table intermediate.int_clusters is 'One row per license and cluster.';

create view intermediate.int_license_versions as
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
    ) as license_key
from intermediate.int_licenses
inner join ops.loads on int_licenses.load_id = loads.load_id;
comment on view intermediate.int_license_versions is
'int_licenses with the key of the license in mart.dim_licenses; the key changes with any attribute.';
