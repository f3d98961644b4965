-- The star. Dimension rows are immutable versions: the ownership of a day stays that day's, a replay gives
-- the same keys, and a member that did not change is stored once. Facts hold one partition a month.

create table mart.dim_licenses (
    license_key uuid primary key,
    org_id text not null,
    license_id text not null,
    license_name text,
    license_type text,
    publisher text,
    license_status text,
    edition text,
    version text,
    expires_on date
);
comment on table mart.dim_licenses is 'One row per version of a license.';
create index dim_licenses_license on mart.dim_licenses (org_id, license_id);

create table mart.dim_consumers (
    consumer_key uuid primary key,
    org_id text not null,
    consumer_type text not null check (consumer_type in ('device', 'user', 'unallocated')),
    consumer_identity text not null,
    device_id text,
    device_name text,
    device_type text,
    user_id text,
    user_name text
);
comment on table mart.dim_consumers is 'One row per version of a device or user, or of an unallocated rest.';

create table mart.dim_hosts (
    host_key uuid primary key,
    org_id text not null,
    host_identity text not null,
    host_id text,
    host_name text
);
comment on table mart.dim_hosts is 'One row per version of a host.';

create table mart.dim_clusters (
    cluster_key uuid primary key,
    org_id text not null,
    cluster_identity text not null,
    cluster_id text,
    cluster_name text
);
comment on table mart.dim_clusters is 'One row per version of a cluster.';

create table mart.dim_organization_units (
    unit_key uuid primary key,
    org_id text not null,
    hierarchy text not null check (hierarchy in ('cost_center', 'corporate_unit', 'location')),
    path text not null check (path <> ''),
    name text not null,
    parent_path text,
    depth integer not null check (depth >= 0),
    level_1 text not null,
    level_2 text,
    level_3 text,
    level_4 text,
    level_5 text,
    level_6 text,
    unique (org_id, hierarchy, path)
);
comment on table mart.dim_organization_units is
'One row per cost center, corporate unit or location, parents included.';
create index dim_organization_units_path on mart.dim_organization_units (path, hierarchy);

create table mart.fct_chargeback (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_key uuid not null,
    consumer_key uuid not null,
    host_key uuid,
    cluster_key uuid,
    location_key uuid not null,
    cost_center_key uuid not null,
    corporate_unit_key uuid not null,
    license_id text not null,
    cores numeric,
    host_installed_cores numeric,
    host_consuming_cores numeric,
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
    line_count bigint not null check (line_count > 0),
    derived_consumption numeric,
    derived_cost numeric,
    method_id text,
    delta_reason text,
    is_reconciled boolean,
    is_carried_forward boolean not null,
    carried_from_load_id bigint,
    primary key (load_id, license_key, consumer_key, snapshot_date),
    check (is_carried_forward = (carried_from_load_id is not null))
) partition by range (snapshot_date);
comment on table mart.fct_chargeback is 'One row per load, license and consumer.';
create index fct_chargeback_license on mart.fct_chargeback (license_id, snapshot_date);
create index fct_chargeback_cost_center on mart.fct_chargeback (cost_center_key, snapshot_date);

create table mart.fct_vm_consumption (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_key uuid not null,
    consumer_key uuid not null,
    host_key uuid,
    cluster_key uuid,
    license_id text not null,
    installed_cores numeric,
    consuming_cores numeric,
    consumption numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    primary key (load_id, license_key, consumer_key, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_vm_consumption is 'One row per load, license and virtual machine.';
create index fct_vm_consumption_license on mart.fct_vm_consumption (license_id, snapshot_date);

create table mart.fct_host_consumption (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_key uuid not null,
    host_key uuid not null,
    cluster_key uuid,
    license_id text not null,
    installed_cores numeric,
    consuming_cores numeric,
    vm_count bigint not null,
    consumption numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    primary key (load_id, license_key, host_key, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_host_consumption is 'One row per load, license and host.';
create index fct_host_consumption_license on mart.fct_host_consumption (license_id, snapshot_date);

create table mart.fct_cluster_consumption (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_key uuid not null,
    cluster_key uuid not null,
    license_id text not null,
    installed_cores numeric,
    consuming_cores numeric,
    vm_count bigint not null,
    host_count bigint not null,
    consumption numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    primary key (load_id, license_key, cluster_key, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_cluster_consumption is 'One row per load, license and cluster.';
create index fct_cluster_consumption_license on mart.fct_cluster_consumption (license_id, snapshot_date);

create table mart.fct_unit_totals (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    hierarchy text not null check (hierarchy in ('cost_center', 'corporate_unit', 'location')),
    license_key uuid not null,
    unit_key uuid not null,
    license_id text not null,
    own_consumption numeric not null,
    own_cost numeric not null,
    total_consumption numeric not null,
    total_cost numeric not null,
    primary key (load_id, hierarchy, license_key, unit_key, snapshot_date)
) partition by range (snapshot_date);
comment on table mart.fct_unit_totals is
'One row per load, license and node of each tree: what the node consumes itself, and with all below it.';
create index fct_unit_totals_license on mart.fct_unit_totals (license_id, snapshot_date);
create index fct_unit_totals_unit on mart.fct_unit_totals (unit_key, snapshot_date);

create table mart.fct_license_positions (
    load_id bigint not null,
    snapshot_date date not null,
    org_id text not null,
    license_key uuid not null,
    license_id text not null,
    purchased numeric,
    consumed numeric,
    machine_consumption numeric not null,
    recharged_consumption numeric not null,
    recharged_cost numeric not null,
    residue numeric,
    residue_reason text references mart.residue_reasons (residue_reason),
    row_count bigint not null,
    page_count bigint not null,
    status text not null
    check (status in ('loaded', 'empty', 'deleted', 'kept', 'carried_forward', 'failed')),
    carried_from_load_id bigint,
    primary key (load_id, license_id, snapshot_date),
    check ((residue is not distinct from 0) = (residue_reason is null)),
    check ((status = 'carried_forward') = (carried_from_load_id is not null))
) partition by range (snapshot_date);
comment on table mart.fct_license_positions is
'One row per load and license that the load holds: what was bought, what is consumed, what was recharged.';
create index fct_license_positions_license on mart.fct_license_positions (license_id, org_id, snapshot_date);

-- Licenses whose rows a load does not build from pages but takes over from a published load: those the run's
-- filter leaves out (kept, from the visible load of the same date), and those that could not be read (carried
-- forward, from the latest snapshot that holds them). It speaks of loads that are being built.
create view ops.taken_over_licenses as
select
    loads.load_id,
    load_licenses.license_id,
    'kept' as status,
    snapshots.load_id as from_load_id,
    snapshots.snapshot_date as from_snapshot_date
from ops.loads
inner join ops.load_licenses on loads.load_id = load_licenses.load_id
inner join ops.snapshots
    on
        loads.org_id = snapshots.org_id
        and loads.snapshot_date = snapshots.snapshot_date
        and loads.load_id <> snapshots.load_id
inner join mart.fct_license_positions
    on
        snapshots.load_id = fct_license_positions.load_id
        and snapshots.snapshot_date = fct_license_positions.snapshot_date
        and load_licenses.license_id = fct_license_positions.license_id
where not load_licenses.is_selected
union all
select
    loads.load_id,
    load_licenses.license_id,
    'carried_forward' as status,
    latest.load_id as from_load_id,
    latest.snapshot_date as from_snapshot_date
from ops.loads
inner join ops.load_licenses on loads.load_id = load_licenses.load_id
cross join
    lateral (
        select
            snapshots.load_id,
            snapshots.snapshot_date
        from ops.snapshots
        inner join mart.fct_license_positions
            on
                snapshots.load_id = fct_license_positions.load_id
                and snapshots.snapshot_date = fct_license_positions.snapshot_date
                and snapshots.org_id = fct_license_positions.org_id
        where
            snapshots.org_id = loads.org_id
            and snapshots.snapshot_date <= loads.snapshot_date
            and snapshots.load_id <> loads.load_id
            and fct_license_positions.license_id = load_licenses.license_id
            and fct_license_positions.status not in ('failed', 'deleted')
        order by snapshots.snapshot_date desc
        limit 1
    ) as latest
where
    loads.on_license_failure = 'keep_previous'
    and load_licenses.is_selected
    and load_licenses.extraction_id is null;
comment on view ops.taken_over_licenses is
'One row per load under construction and license whose rows come from an earlier, published load.';
