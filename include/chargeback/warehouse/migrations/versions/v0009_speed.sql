-- Views for a warehouse of hundreds of nights, and what the charge of a month is.

-- A load is found by its id alone: a second condition on the date, which says the same, makes the planner expect a few
-- rows of a night where there are all. The date is a filter on the facts, so that it picks the partition and, by these
-- indexes of the revision before, the night in it. Names are joined from the left, so that a query pays only for those it asks for; every key
-- has its row (check keys_are_whole).

-- chargeback_current first, which was made of chargeback until now: who reads it would wait for chargeback else, and this
-- revision for them.

-- The planner cannot know the latest date, but it can look for it night by night: "offset 0" leaves it no other way.
create or replace view bi.chargeback_current as
with

latest as (
    select distinct on (org_id)
        org_id,
        snapshot_date,
        load_id
    from ops.snapshots
    order by org_id asc, snapshot_date desc
)

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
    facts.is_carried_forward,
    dim_consumers.identity_key as consumer_identity_key
from latest
cross join lateral (
    select fct_chargeback.*
    from mart.fct_chargeback
    where latest.load_id = fct_chargeback.load_id and latest.snapshot_date = fct_chargeback.snapshot_date
    offset 0
) as facts
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key
left join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key
left join mart.dim_organization_units as locations on facts.location_key = locations.unit_key
left join mart.dim_organization_units as cost_centers on facts.cost_center_key = cost_centers.unit_key
left join mart.dim_organization_units as corporate_units
    on facts.corporate_unit_key = corporate_units.unit_key;
comment on column bi.chargeback_current.consumer_identity_key is
'The same in every night for the same device or user, whatever its name: compares nights, with license_id.';

create or replace view bi.chargeback as
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
    facts.is_carried_forward,
    dim_consumers.identity_key as consumer_identity_key
from ops.snapshots
inner join mart.fct_chargeback as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key
left join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key
left join mart.dim_organization_units as locations on facts.location_key = locations.unit_key
left join mart.dim_organization_units as cost_centers on facts.cost_center_key = cost_centers.unit_key
left join mart.dim_organization_units as corporate_units
    on facts.corporate_unit_key = corporate_units.unit_key;

comment on column bi.chargeback.consumer_identity_key is
'The same in every night for the same device or user, whatever its name: compares nights, with license_id.';

create or replace view bi.vm_consumption as
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
inner join mart.fct_vm_consumption as facts on snapshots.load_id = facts.load_id
left join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key;

create or replace view bi.host_consumption as
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
inner join mart.fct_host_consumption as facts on snapshots.load_id = facts.load_id
left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key;

create or replace view bi.cluster_consumption as
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
inner join mart.fct_cluster_consumption as facts on snapshots.load_id = facts.load_id
left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key;

create or replace view mart.published_unit_totals as
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
inner join mart.fct_unit_totals as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key
left join mart.dim_organization_units as units on facts.unit_key = units.unit_key;

create or replace view bi.license_position as
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
inner join mart.fct_license_positions as facts on snapshots.load_id = facts.load_id
left join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create or replace view bi.method_fit as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_id,
    facts.method_id,
    facts.is_chosen,
    facts.consumer_count,
    facts.matching_count,
    case when facts.consumer_count > 0 then round(facts.matching_count::numeric / facts.consumer_count, 4) end as fit,
    facts.deviation,
    facts.recharged_consumption,
    facts.derived_consumption,
    facts.unallocated_consumption,
    facts.is_chosen and facts.matching_count < facts.consumer_count as needs_review
from ops.snapshots
inner join mart.fct_method_fits as facts on snapshots.load_id = facts.load_id;

create or replace view bi.explanation as
with

charges as (
    select
        facts.snapshot_date,
        facts.org_id,
        facts.license_id,
        dim_licenses.license_name,
        dim_consumers.consumer_type,
        dim_consumers.device_name,
        dim_consumers.user_name,
        cost_centers.path as cost_center,
        facts.method_id,
        facts.recharged_consumption,
        facts.recharged_cost,
        facts.derived_consumption,
        facts.derived_cost,
        facts.recharged_consumption - facts.derived_consumption as delta,
        facts.delta_reason,
        facts.is_reconciled,
        coalesce(license_types.unit, 'units') as unit,
        recharge_methods.weight as weight_name,
        recharge_methods.family,
        coalesce(facts.currency, '') as currency,
        delta_reasons.meaning as delta_meaning,
        facts.derived_parent_id,
        trim_scale(round(facts.derived_weight, 6)) as weight,
        trim_scale(round(facts.derived_weight_total, 6)) as weight_total,
        trim_scale(round(facts.derived_parent_consumption, 6)) as parent_consumption,
        trim_scale(round(facts.derived_consumption, 6)) as derived,
        trim_scale(round(facts.recharged_consumption, 6)) as recharged,
        to_char(facts.cost_per_right, 'FM999,999,999,990.00999999') as price,
        to_char(facts.derived_cost, 'FM999,999,999,990.00') as derived_cost_text,
        to_char(facts.recharged_cost, 'FM999,999,999,990.00') as recharged_cost_text,
        case
            when dim_consumers.consumer_type = 'user' then 'User ' || coalesce(dim_consumers.user_name, dim_consumers.user_id)
            when facts.host_key is not null
                then 'VM ' || coalesce(dim_consumers.device_name, dim_consumers.device_id, 'without a name')
            when dim_consumers.consumer_type = 'device'
                then 'Device ' || coalesce(dim_consumers.device_name, dim_consumers.device_id)
            else 'The unallocated part'
        end as consumer,
        case
            when facts.derived_parent_id like 'host %' then 'host ' || coalesce(dim_hosts.host_name, dim_hosts.host_id)
            when facts.derived_parent_id like 'cluster %' then 'cluster ' || coalesce(dim_clusters.cluster_name, dim_clusters.cluster_id)
            when facts.derived_parent_id like 'pool %' or facts.derived_parent_id like 'outer pool %'
                then 'resource ' || facts.derived_parent_id
            when facts.derived_parent_id like 'factor %' then 'all machines of core ' || facts.derived_parent_id
            else 'the license'
        end as parent
    from ops.snapshots
    inner join mart.fct_chargeback as facts on snapshots.load_id = facts.load_id
    left join mart.dim_licenses on facts.license_key = dim_licenses.license_key
    left join mart.dim_consumers on facts.consumer_key = dim_consumers.consumer_key
    left join mart.dim_organization_units as cost_centers on facts.cost_center_key = cost_centers.unit_key
    left join mart.dim_hosts on facts.host_key = dim_hosts.host_key
    left join mart.dim_clusters on facts.cluster_key = dim_clusters.cluster_key
    left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
    left join mart.recharge_methods on facts.method_id = recharge_methods.method_id
    left join mart.delta_reasons on facts.delta_reason = delta_reasons.delta_reason
)

select
    snapshot_date,
    org_id,
    license_id,
    license_name,
    consumer_type,
    device_name,
    user_name,
    cost_center,
    method_id,
    recharged_consumption,
    recharged_cost,
    derived_consumption,
    derived_cost,
    delta,
    delta_reason,
    is_reconciled,
    case
        when method_id is null or family = 'as_recharged' or derived is null
            then consumer || ' is charged ' || coalesce(recharged::text, 'no') || ' ' || unit || ' as Flexera recharges them'
            || coalesce(' for ' || recharged_cost_text || ' ' || currency, '') || '.'
        when weight_total is null or weight_total = weight or derived_parent_id = '' and weight_name = 'quantity'
            then consumer || ' counts ' || derived || ' ' || unit
            || coalesce('; ' || derived || ' x ' || price || ' ' || currency || ' = ' || derived_cost_text || ' ' || currency, '')
            || '.'
        else
            consumer || ' has ' || weight || ' of the ' || weight_total || ' '
            || case weight_name
                when 'cores' then 'cores with installations'
                when 'capped_cores' then 'cores that may be used'
                when 'equal' then 'equal parts'
                when 'users' then 'users'
                when 'installations' then 'installations'
                else 'parts'
            end
            || ' in ' || parent || '; ' || parent || ' consumes ' || parent_consumption || ' ' || unit || '; '
            || weight || '/' || weight_total || ' x ' || parent_consumption || ' = ' || derived
            || coalesce(' x ' || price || ' ' || currency || ' = ' || derived_cost_text || ' ' || currency, '') || '.'
    end
    || case
        when is_reconciled or family = 'as_recharged' or method_id is null then ''
        else
            ' Flexera recharges ' || coalesce(recharged::text, 'nothing')
            || coalesce(' for ' || recharged_cost_text || ' ' || currency, '') || '. '
            || coalesce(delta_meaning, '')
    end as explanation
from charges;

create view bi.month as
select
    date_trunc('month', snapshot_date)::date as month,
    org_id,
    max(snapshot_date) as snapshot_date,
    lag(max(snapshot_date)) over (
        partition by org_id order by date_trunc('month', snapshot_date)::date
    ) as previous_snapshot_date,
    count(*) as snapshot_count
from ops.snapshots
group by date_trunc('month', snapshot_date)::date, org_id;
comment on view bi.month is
'One row per month and organization: the night whose charges are the month''s, its last published one.';
comment on column bi.month.month is 'First day of the month.';
comment on column bi.month.org_id is 'Flexera One organization the figures come from.';
comment on column bi.month.snapshot_date is
'The last published night of the month; its charges are what the month is charged.';
comment on column bi.month.previous_snapshot_date is
'The same of the month before that has a published night; empty for the first.';
comment on column bi.month.snapshot_count is 'Published nights of the month.';
