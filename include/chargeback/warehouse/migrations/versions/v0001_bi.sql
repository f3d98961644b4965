-- Schema bi: what analysts see. Only published snapshots, names instead of keys, a comment on everything.
create schema bi;
comment on schema bi is 'License chargeback for finance and BI: published snapshots only.';

create view bi.chargeback as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_licenses.license_name,
    dim_licenses.license_type,
    dim_licenses.publisher,
    dim_consumers.consumer_type,
    dim_consumers.device_id,
    dim_consumers.device_name,
    dim_consumers.device_type,
    dim_consumers.user_id,
    dim_consumers.user_name,
    dim_hosts.host_id,
    dim_hosts.host_name,
    dim_clusters.cluster_name,
    locations.path as location,
    cost_centers.path as cost_center,
    corporate_units.path as corporate_unit,
    facts.cores,
    facts.host_installed_cores,
    facts.host_consuming_cores,
    facts.cluster_installed_cores,
    facts.cluster_consuming_cores,
    facts.consuming_installations,
    facts.machine_consumption,
    facts.host_consumption,
    facts.cost_per_right,
    facts.recharged_consumption,
    facts.recharged_cost,
    facts.currency,
    facts.recharge_approach,
    facts.derived_consumption,
    facts.derived_cost,
    facts.method_id,
    facts.delta_reason,
    facts.is_reconciled,
    facts.is_carried_forward
from ops.snapshots
inner join mart.fct_chargeback as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key
inner join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key
inner join mart.dim_organization_units as locations on facts.location_key = locations.unit_key
inner join mart.dim_organization_units as cost_centers on facts.cost_center_key = cost_centers.unit_key
inner join mart.dim_organization_units as corporate_units
    on facts.corporate_unit_key = corporate_units.unit_key;

comment on view bi.chargeback is
'One row per snapshot, license and consumer: who is charged how much for which license, and why.';
comment on column bi.chargeback.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.chargeback.org_id is 'Flexera One organization the figures come from.';
comment on column bi.chargeback.license_id is 'Flexera''s id of the license.';
comment on column bi.chargeback.license_name is 'Name of the license in Flexera.';
comment on column bi.chargeback.license_type is
'License type in Flexera, e.g. Oracle Processor or Named User; it decides how consumption is counted.';
comment on column bi.chargeback.publisher is 'The software company the license is bought from.';
comment on column bi.chargeback.consumer_type is
'Who is charged: device, user, or unallocated where the row names neither.';
comment on column bi.chargeback.device_id is 'Flexera''s id of the device, where the row names one.';
comment on column bi.chargeback.device_name is 'Name of the device: the computer or virtual machine.';
comment on column bi.chargeback.device_type is 'Kind of device in Flexera, e.g. Virtual Machine.';
comment on column bi.chargeback.user_id is 'Flexera''s id of the user, where the row names one.';
comment on column bi.chargeback.user_name is 'Name of the user.';
comment on column bi.chargeback.host_id is
'Flexera''s id of the physical host the device runs on; empty where it runs on none.';
comment on column bi.chargeback.host_name is 'Name of the physical host the device runs on.';
comment on column bi.chargeback.cluster_name is 'Name of the cluster the host belongs to.';
comment on column bi.chargeback.location is
'Location of the consumer as a path, e.g. EMEA/France/Lyon; Unassigned where none is set.';
comment on column bi.chargeback.cost_center is
'Cost center that is charged, as a path; Unassigned where none is set.';
comment on column bi.chargeback.corporate_unit is
'Corporate unit of the consumer as a path; Unassigned where none is set.';
comment on column bi.chargeback.cores is 'Processor cores of the device.';
comment on column bi.chargeback.host_installed_cores is
'Cores of the host on which the software is installed.';
comment on column bi.chargeback.host_consuming_cores is 'Cores of the host that count for the license.';
comment on column bi.chargeback.cluster_installed_cores is
'Cores of the cluster on which the software is installed.';
comment on column bi.chargeback.cluster_consuming_cores is 'Cores of the cluster that count for the license.';
comment on column bi.chargeback.consuming_installations is
'Installations on the device that consume the license.';
comment on column bi.chargeback.machine_consumption is
'Consumption Flexera counts for the device itself; may be 0 where only the host counts.';
comment on column bi.chargeback.host_consumption is
'Consumption of the whole host. The same figure on each of its rows: do not add it up.';
comment on column bi.chargeback.cost_per_right is 'Price of one unit of consumption, as kept in Flexera.';
comment on column bi.chargeback.recharged_consumption is
'Consumption charged to this consumer. Adds up over consumers, licenses and groups.';
comment on column bi.chargeback.recharged_cost is
'Cost charged to this consumer, in the currency beside it. Adds up like the consumption.';
comment on column bi.chargeback.currency is 'Currency of the cost; empty where Flexera names none.';
comment on column bi.chargeback.recharge_approach is
'How Flexera shared the license out to this row, in Flexera''s words.';
comment on column bi.chargeback.derived_consumption is
'Consumption by our own arithmetic, for comparison; empty while no method is applied.';
comment on column bi.chargeback.derived_cost is
'Cost by our own arithmetic, for comparison; empty while no method is applied.';
comment on column bi.chargeback.method_id is
'Name and version of the method behind the derived figures; empty while none is applied.';
comment on column bi.chargeback.delta_reason is
'Why derived and recharged figures differ; empty where they agree or none is derived.';
comment on column bi.chargeback.is_reconciled is
'Whether derived and recharged figures agree or differ for a known reason; empty if none is derived.';
comment on column bi.chargeback.is_carried_forward is
'True where the license could not be read that night, so that the row repeats an earlier snapshot.';

create view bi.chargeback_current as
with

latest as (
    select
        org_id,
        max(snapshot_date) as snapshot_date
    from ops.snapshots
    group by org_id
)

select
    chargeback.snapshot_date,
    chargeback.org_id,
    chargeback.license_id,
    chargeback.license_name,
    chargeback.license_type,
    chargeback.publisher,
    chargeback.consumer_type,
    chargeback.device_id,
    chargeback.device_name,
    chargeback.device_type,
    chargeback.user_id,
    chargeback.user_name,
    chargeback.host_id,
    chargeback.host_name,
    chargeback.cluster_name,
    chargeback.location,
    chargeback.cost_center,
    chargeback.corporate_unit,
    chargeback.cores,
    chargeback.host_installed_cores,
    chargeback.host_consuming_cores,
    chargeback.cluster_installed_cores,
    chargeback.cluster_consuming_cores,
    chargeback.consuming_installations,
    chargeback.machine_consumption,
    chargeback.host_consumption,
    chargeback.cost_per_right,
    chargeback.recharged_consumption,
    chargeback.recharged_cost,
    chargeback.currency,
    chargeback.recharge_approach,
    chargeback.derived_consumption,
    chargeback.derived_cost,
    chargeback.method_id,
    chargeback.delta_reason,
    chargeback.is_reconciled,
    chargeback.is_carried_forward
from bi.chargeback
inner join latest
    on chargeback.org_id = latest.org_id and chargeback.snapshot_date = latest.snapshot_date;

comment on view bi.chargeback_current is
'bi.chargeback for the latest published snapshot of each organization.';
comment on column bi.chargeback_current.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.chargeback_current.org_id is 'Flexera One organization the figures come from.';
comment on column bi.chargeback_current.license_id is 'Flexera''s id of the license.';
comment on column bi.chargeback_current.license_name is 'Name of the license in Flexera.';
comment on column bi.chargeback_current.license_type is
'License type in Flexera, e.g. Oracle Processor or Named User; it decides how consumption is counted.';
comment on column bi.chargeback_current.publisher is 'The software company the license is bought from.';
comment on column bi.chargeback_current.consumer_type is
'Who is charged: device, user, or unallocated where the row names neither.';
comment on column bi.chargeback_current.device_id is 'Flexera''s id of the device, where the row names one.';
comment on column bi.chargeback_current.device_name is 'Name of the device: the computer or virtual machine.';
comment on column bi.chargeback_current.device_type is 'Kind of device in Flexera, e.g. Virtual Machine.';
comment on column bi.chargeback_current.user_id is 'Flexera''s id of the user, where the row names one.';
comment on column bi.chargeback_current.user_name is 'Name of the user.';
comment on column bi.chargeback_current.host_id is
'Flexera''s id of the physical host the device runs on; empty where it runs on none.';
comment on column bi.chargeback_current.host_name is 'Name of the physical host the device runs on.';
comment on column bi.chargeback_current.cluster_name is 'Name of the cluster the host belongs to.';
comment on column bi.chargeback_current.location is
'Location of the consumer as a path, e.g. EMEA/France/Lyon; Unassigned where none is set.';
comment on column bi.chargeback_current.cost_center is
'Cost center that is charged, as a path; Unassigned where none is set.';
comment on column bi.chargeback_current.corporate_unit is
'Corporate unit of the consumer as a path; Unassigned where none is set.';
comment on column bi.chargeback_current.cores is 'Processor cores of the device.';
comment on column bi.chargeback_current.host_installed_cores is
'Cores of the host on which the software is installed.';
comment on column bi.chargeback_current.host_consuming_cores is
'Cores of the host that count for the license.';
comment on column bi.chargeback_current.cluster_installed_cores is
'Cores of the cluster on which the software is installed.';
comment on column bi.chargeback_current.cluster_consuming_cores is
'Cores of the cluster that count for the license.';
comment on column bi.chargeback_current.consuming_installations is
'Installations on the device that consume the license.';
comment on column bi.chargeback_current.machine_consumption is
'Consumption Flexera counts for the device itself; may be 0 where only the host counts.';
comment on column bi.chargeback_current.host_consumption is
'Consumption of the whole host. The same figure on each of its rows: do not add it up.';
comment on column bi.chargeback_current.cost_per_right is
'Price of one unit of consumption, as kept in Flexera.';
comment on column bi.chargeback_current.recharged_consumption is
'Consumption charged to this consumer. Adds up over consumers, licenses and groups.';
comment on column bi.chargeback_current.recharged_cost is
'Cost charged to this consumer, in the currency beside it. Adds up like the consumption.';
comment on column bi.chargeback_current.currency is 'Currency of the cost; empty where Flexera names none.';
comment on column bi.chargeback_current.recharge_approach is
'How Flexera shared the license out to this row, in Flexera''s words.';
comment on column bi.chargeback_current.derived_consumption is
'Consumption by our own arithmetic, for comparison; empty while no method is applied.';
comment on column bi.chargeback_current.derived_cost is
'Cost by our own arithmetic, for comparison; empty while no method is applied.';
comment on column bi.chargeback_current.method_id is
'Name and version of the method behind the derived figures; empty while none is applied.';
comment on column bi.chargeback_current.delta_reason is
'Why derived and recharged figures differ; empty where they agree or none is derived.';
comment on column bi.chargeback_current.is_reconciled is
'Whether derived and recharged figures agree or differ for a known reason; empty if none is derived.';
comment on column bi.chargeback_current.is_carried_forward is
'True where the license could not be read that night, so that the row repeats an earlier snapshot.';

create view bi.vm_consumption as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_consumers.device_id,
    dim_consumers.device_name,
    dim_hosts.host_id,
    dim_hosts.host_name,
    dim_clusters.cluster_id,
    dim_clusters.cluster_name,
    facts.installed_cores,
    facts.consuming_cores,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_vm_consumption as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key;

comment on view bi.vm_consumption is
'One row per snapshot, license and virtual machine: a device that is virtual by its type or runs on a host.';
comment on column bi.vm_consumption.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.vm_consumption.org_id is 'Flexera One organization the figures come from.';
comment on column bi.vm_consumption.license_id is 'Flexera''s id of the license.';
comment on column bi.vm_consumption.device_id is 'Flexera''s id of the virtual machine.';
comment on column bi.vm_consumption.device_name is 'Name of the virtual machine.';
comment on column bi.vm_consumption.host_id is 'Flexera''s id of the physical host.';
comment on column bi.vm_consumption.host_name is 'Name of the physical host.';
comment on column bi.vm_consumption.cluster_id is
'Flexera''s id of the cluster; empty where the API gives only its name.';
comment on column bi.vm_consumption.cluster_name is 'Name of the cluster.';
comment on column bi.vm_consumption.installed_cores is 'Processor cores of the virtual machine.';
comment on column bi.vm_consumption.consuming_cores is
'Always empty: Flexera tells consuming cores of hosts and clusters only.';
comment on column bi.vm_consumption.consumption is
'Consumption Flexera counts for the virtual machine itself.';
comment on column bi.vm_consumption.recharged_consumption is 'Consumption charged to the virtual machine.';
comment on column bi.vm_consumption.recharged_cost is 'Cost charged to the virtual machine.';

create view bi.host_consumption as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_hosts.host_id,
    dim_hosts.host_name,
    dim_clusters.cluster_id,
    dim_clusters.cluster_name,
    facts.installed_cores,
    facts.consuming_cores,
    facts.vm_count,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_host_consumption as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key;

comment on view bi.host_consumption is
'One row per snapshot, license and physical host: its own figures once, and what its consumers are charged.';
comment on column bi.host_consumption.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.host_consumption.org_id is 'Flexera One organization the figures come from.';
comment on column bi.host_consumption.license_id is 'Flexera''s id of the license.';
comment on column bi.host_consumption.host_id is 'Flexera''s id of the physical host.';
comment on column bi.host_consumption.host_name is 'Name of the physical host.';
comment on column bi.host_consumption.cluster_id is
'Flexera''s id of the cluster; empty where the API gives only its name.';
comment on column bi.host_consumption.cluster_name is 'Name of the cluster.';
comment on column bi.host_consumption.installed_cores is
'Cores of the host on which the software is installed; all its cores where only those are known.';
comment on column bi.host_consumption.consuming_cores is 'Cores of the host that count for the license.';
comment on column bi.host_consumption.vm_count is 'Virtual machines of the license on this host.';
comment on column bi.host_consumption.consumption is 'Consumption Flexera counts for the whole host.';
comment on column bi.host_consumption.recharged_consumption is
'Consumption charged to all consumers on this level: the sum of their rows in bi.chargeback.';
comment on column bi.host_consumption.recharged_cost is
'Cost charged to all consumers on this level: the sum of their rows in bi.chargeback.';

create view bi.cluster_consumption as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_clusters.cluster_id,
    dim_clusters.cluster_name,
    facts.installed_cores,
    facts.consuming_cores,
    facts.vm_count,
    facts.host_count,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_cluster_consumption as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key;

comment on view bi.cluster_consumption is
'One row per snapshot, license and cluster: its own figures once, and what its consumers are charged.';
comment on column bi.cluster_consumption.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.cluster_consumption.org_id is 'Flexera One organization the figures come from.';
comment on column bi.cluster_consumption.license_id is 'Flexera''s id of the license.';
comment on column bi.cluster_consumption.cluster_id is
'Flexera''s id of the cluster; empty where the API gives only its name.';
comment on column bi.cluster_consumption.cluster_name is 'Name of the cluster.';
comment on column bi.cluster_consumption.installed_cores is
'Cores of the cluster on which the software is installed; all its cores where only those are known.';
comment on column bi.cluster_consumption.consuming_cores is
'Cores of the cluster that count for the license.';
comment on column bi.cluster_consumption.vm_count is 'Virtual machines of the license in this cluster.';
comment on column bi.cluster_consumption.host_count is 'Hosts of the license in this cluster.';
comment on column bi.cluster_consumption.consumption is
'Consumption of the cluster: its hosts'' consumption added up, each host once.';
comment on column bi.cluster_consumption.recharged_consumption is
'Consumption charged to all consumers on this level: the sum of their rows in bi.chargeback.';
comment on column bi.cluster_consumption.recharged_cost is
'Cost charged to all consumers on this level: the sum of their rows in bi.chargeback.';

create view mart.published_unit_totals as
select
    facts.hierarchy,
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_licenses.license_name,
    units.path,
    units.parent_path,
    units.depth,
    facts.own_consumption,
    facts.own_cost,
    facts.total_consumption,
    facts.total_cost
from ops.snapshots
inner join mart.fct_unit_totals as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key
inner join mart.dim_organization_units as units on facts.unit_key = units.unit_key;
comment on view mart.published_unit_totals is 'The three trees of every published snapshot, with names.';

create view bi.chargeback_by_cost_center as
select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    path,
    parent_path,
    depth,
    own_consumption,
    own_cost,
    total_consumption,
    total_cost
from mart.published_unit_totals
where hierarchy = 'cost_center';

comment on view bi.chargeback_by_cost_center is
'One row per snapshot, license and cost center, with its parents. Add up own figures or totals at depth 0.';
comment on column bi.chargeback_by_cost_center.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.chargeback_by_cost_center.org_id is 'Flexera One organization the figures come from.';
comment on column bi.chargeback_by_cost_center.license_id is 'Flexera''s id of the license.';
comment on column bi.chargeback_by_cost_center.license_name is 'Name of the license in Flexera.';
comment on column bi.chargeback_by_cost_center.path is
'The cost center as a path from the top, e.g. Top/Middle/Leaf; Unassigned for consumers without one.';
comment on column bi.chargeback_by_cost_center.parent_path is
'Path of the cost center above; empty at the top.';
comment on column bi.chargeback_by_cost_center.depth is
'0 for the top of the tree, 1 for the level below it, and so on.';
comment on column bi.chargeback_by_cost_center.own_consumption is
'Consumption charged to the cost center itself, without those below it.';
comment on column bi.chargeback_by_cost_center.own_cost is
'Cost charged to the cost center itself, without those below it.';
comment on column bi.chargeback_by_cost_center.total_consumption is
'Consumption of the cost center and everything below it; the tops add up to the snapshot.';
comment on column bi.chargeback_by_cost_center.total_cost is
'Cost of the cost center and everything below it; the tops add up to the snapshot.';

create view bi.chargeback_by_corporate_unit as
select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    path,
    parent_path,
    depth,
    own_consumption,
    own_cost,
    total_consumption,
    total_cost
from mart.published_unit_totals
where hierarchy = 'corporate_unit';

comment on view bi.chargeback_by_corporate_unit is
'One row per snapshot, license and corporate unit, with parents. Add up own figures or totals at depth 0.';
comment on column bi.chargeback_by_corporate_unit.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.chargeback_by_corporate_unit.org_id is 'Flexera One organization the figures come from.';
comment on column bi.chargeback_by_corporate_unit.license_id is 'Flexera''s id of the license.';
comment on column bi.chargeback_by_corporate_unit.license_name is 'Name of the license in Flexera.';
comment on column bi.chargeback_by_corporate_unit.path is
'The corporate unit as a path from the top, e.g. Top/Middle/Leaf; Unassigned for consumers without one.';
comment on column bi.chargeback_by_corporate_unit.parent_path is
'Path of the corporate unit above; empty at the top.';
comment on column bi.chargeback_by_corporate_unit.depth is
'0 for the top of the tree, 1 for the level below it, and so on.';
comment on column bi.chargeback_by_corporate_unit.own_consumption is
'Consumption charged to the corporate unit itself, without those below it.';
comment on column bi.chargeback_by_corporate_unit.own_cost is
'Cost charged to the corporate unit itself, without those below it.';
comment on column bi.chargeback_by_corporate_unit.total_consumption is
'Consumption of the corporate unit and everything below it; the tops add up to the snapshot.';
comment on column bi.chargeback_by_corporate_unit.total_cost is
'Cost of the corporate unit and everything below it; the tops add up to the snapshot.';

create view bi.chargeback_by_location as
select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    path,
    parent_path,
    depth,
    own_consumption,
    own_cost,
    total_consumption,
    total_cost
from mart.published_unit_totals
where hierarchy = 'location';

comment on view bi.chargeback_by_location is
'One row per snapshot, license and location, with its parents. Add up own figures or totals at depth 0.';
comment on column bi.chargeback_by_location.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.chargeback_by_location.org_id is 'Flexera One organization the figures come from.';
comment on column bi.chargeback_by_location.license_id is 'Flexera''s id of the license.';
comment on column bi.chargeback_by_location.license_name is 'Name of the license in Flexera.';
comment on column bi.chargeback_by_location.path is
'The location as a path from the top, e.g. Top/Middle/Leaf; Unassigned for consumers without one.';
comment on column bi.chargeback_by_location.parent_path is 'Path of the location above; empty at the top.';
comment on column bi.chargeback_by_location.depth is
'0 for the top of the tree, 1 for the level below it, and so on.';
comment on column bi.chargeback_by_location.own_consumption is
'Consumption charged to the location itself, without those below it.';
comment on column bi.chargeback_by_location.own_cost is
'Cost charged to the location itself, without those below it.';
comment on column bi.chargeback_by_location.total_consumption is
'Consumption of the location and everything below it; the tops add up to the snapshot.';
comment on column bi.chargeback_by_location.total_cost is
'Cost of the location and everything below it; the tops add up to the snapshot.';

create view bi.license_position as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    dim_licenses.license_name,
    dim_licenses.license_type,
    dim_licenses.publisher,
    facts.purchased,
    facts.consumed,
    facts.machine_consumption,
    facts.recharged_consumption,
    facts.recharged_cost,
    facts.residue,
    facts.residue_reason,
    facts.row_count,
    facts.page_count,
    facts.status
from ops.snapshots
inner join mart.fct_license_positions as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

comment on view bi.license_position is
'One row per snapshot and license, with or without consumers: bought, consumed, charged, and the difference.';
comment on column bi.license_position.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.license_position.org_id is 'Flexera One organization the figures come from.';
comment on column bi.license_position.license_id is 'Flexera''s id of the license.';
comment on column bi.license_position.license_name is 'Name of the license in Flexera.';
comment on column bi.license_position.license_type is
'License type in Flexera, e.g. Oracle Processor or Named User; it decides how consumption is counted.';
comment on column bi.license_position.publisher is 'The software company the license is bought from.';
comment on column bi.license_position.purchased is 'Rights bought, as Flexera counts them.';
comment on column bi.license_position.consumed is
'Consumption of the license as a whole, as Flexera counts it.';
comment on column bi.license_position.machine_consumption is
'Consumption Flexera counts for the single devices, added up.';
comment on column bi.license_position.recharged_consumption is 'Consumption charged to consumers, added up.';
comment on column bi.license_position.recharged_cost is 'Cost charged to consumers, added up.';
comment on column bi.license_position.residue is
'Consumed less recharged consumption: what is charged to nobody, or too much where negative.';
comment on column bi.license_position.residue_reason is
'Why there is a residue; empty where there is none. One of:
oracle_rounding: Oracle rounds up each row, but the license only once per core factor;
oracle_nup_minimum: the license counts the contract''s minimum of users, more than its rows have;
pvu_peak_vs_current: the license counts the peak of the period, its rows what is in use now;
rvu_tier: the license is priced in tiers over all devices, which no single row can show;
owner_unallocated: consumption typed in or bought as a whole, part of which has no device or user;
consumption_without_rows: the license has consumption, but no device or user is listed for it;
consumption_unknown: Flexera gives no consumption for the license;
rows_quarantined: rows of the license could not be read;
license_deleted: the license was deleted in Flexera while the snapshot was taken;
not_loaded: the license could not be read, and no earlier snapshot holds it;
unexplained: none of these; an override in Flexera or a restricted account are usual causes.';
comment on column bi.license_position.row_count is 'Consumption rows Flexera gave for the license.';
comment on column bi.license_position.page_count is 'Pages Flexera gave them on.';
comment on column bi.license_position.status is
'Where the license''s rows come from. One of:
loaded: read that night;
empty: read that night, and the license has no rows;
deleted: deleted in Flexera while the snapshot was taken, so that it has no rows;
kept: left out by the filter of the last run of that date, so that the rows of the run before stay;
carried_forward: could not be read that night, so that an earlier snapshot''s rows stand in;
failed: could not be read, and nothing stands in.';

create view bi.snapshot as
select
    snapshots.snapshot_date,
    snapshots.org_id,
    loads.status,
    loads.source,
    loads.license_count,
    loads.row_count,
    loads.page_count,
    loads.request_count,
    loads.recharged_cost,
    loads.started_at,
    snapshots.published_at,
    loads.dag_run_id
from ops.snapshots
inner join ops.loads on snapshots.load_id = loads.load_id;

comment on view bi.snapshot is
'One row per published snapshot: an organization on one date, with its size and origin.';
comment on column bi.snapshot.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.snapshot.org_id is 'Flexera One organization the figures come from.';
comment on column bi.snapshot.status is 'Always published: other attempts to build a snapshot are not shown.';
comment on column bi.snapshot.source is
'Where the figures were read: api (Flexera, that night) or raw (rebuilt from the pages kept of that date).';
comment on column bi.snapshot.license_count is 'Licenses in bi.license_position.';
comment on column bi.snapshot.row_count is 'Rows in bi.chargeback.';
comment on column bi.snapshot.page_count is 'Pages of consumption the snapshot is built from.';
comment on column bi.snapshot.request_count is 'Requests sent to Flexera for it, repeated ones included.';
comment on column bi.snapshot.recharged_cost is 'Cost charged to all consumers, added up.';
comment on column bi.snapshot.started_at is 'When the run that built it began (UTC).';
comment on column bi.snapshot.published_at is 'When it became visible (UTC).';
comment on column bi.snapshot.dag_run_id is 'The Airflow run that built it.';
