-- The star for BI tools that import tables: dimensions and facts of published snapshots, joined by keys. Every key of a
-- fact finds its row, so that an inner join loses nothing: what runs on no host has the host Unassigned.

create view bi.dim_date as
select
    dates.calendar_date as snapshot_date,
    dates.year,
    dates.quarter,
    dates.month,
    dates.month_name,
    dates.year_month,
    dates.month_start,
    dates.iso_week,
    dates.day_of_month,
    dates.day_of_week,
    dates.day_name,
    dates.is_weekend,
    dates.is_month_end,
    snapshots.snapshot_date is not null as has_snapshot,
    coalesce(snapshots.snapshot_date = snapshots.last_of_month, false) as is_last_snapshot_of_month,
    coalesce(snapshots.snapshot_date = published.last_date, false) as is_latest_snapshot
from mart.dim_dates as dates
cross join
    (
        select
            min(snapshot_date) as first_date,
            max(snapshot_date) as last_date
        from ops.snapshots
    ) as published
left join
    (
        select
            snapshot_date,
            max(snapshot_date) over (partition by date_trunc('month', snapshot_date::timestamp)) as last_of_month
        from ops.snapshots
        group by snapshot_date
    ) as snapshots
    on dates.calendar_date = snapshots.snapshot_date
where
    dates.calendar_date >= date_trunc('year', published.first_date::timestamp)
    and dates.calendar_date < date_trunc('year', published.last_date::timestamp) + interval '1 year';

create view bi.dim_license as
select
    dim_licenses.license_key,
    dim_licenses.org_id,
    dim_licenses.license_id,
    dim_licenses.license_name,
    dim_licenses.license_type,
    coalesce(license_types.unit, 'Units') as unit,
    dim_licenses.publisher,
    dim_licenses.edition,
    dim_licenses.version,
    dim_licenses.license_status,
    dim_licenses.expires_on
from mart.dim_licenses
left join mart.license_types on lower(dim_licenses.license_type) = lower(license_types.license_type)
where
    (
        select true
        from mart.fct_license_positions as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
        where
            facts.license_id = dim_licenses.license_id
            and facts.org_id = dim_licenses.org_id
            and facts.license_key = dim_licenses.license_key
        limit 1
    );

create view bi.dim_product as
select
    dim_products.product_key,
    dim_products.org_id,
    dim_products.product_name,
    dim_products.publisher,
    dim_products.edition,
    dim_products.version
from mart.dim_products
where
    (
        select true
        from mart.dim_licenses
        inner join bi.dim_license as visible on dim_licenses.license_key = visible.license_key
        where dim_licenses.product_key = dim_products.product_key
        limit 1
    )
    or (
        select true
        from mart.fct_product_uses as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
        where facts.product_key = dim_products.product_key
        limit 1
    );

create view bi.dim_publisher as
select
    dim_publishers.publisher_key,
    dim_publishers.org_id,
    dim_publishers.publisher
from mart.dim_publishers
where
    (
        select true
        from mart.dim_licenses
        inner join bi.dim_license as visible on dim_licenses.license_key = visible.license_key
        where dim_licenses.publisher_key = dim_publishers.publisher_key
        limit 1
    );

create view bi.dim_consumer as
select
    dim_consumers.consumer_key,
    dim_consumers.org_id,
    dim_consumers.consumer_type,
    case dim_consumers.consumer_type
        when 'device' then coalesce(dim_consumers.device_name, dim_consumers.device_id)
        when 'user' then coalesce(dim_consumers.user_name, dim_consumers.user_id)
        else 'Unallocated'
    end as consumer,
    dim_consumers.device_id,
    dim_consumers.device_name,
    dim_consumers.device_type,
    dim_consumers.user_id,
    dim_consumers.user_name
from mart.dim_consumers
where
    (
        select true
        from mart.fct_chargeback as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
        where facts.consumer_key = dim_consumers.consumer_key
        limit 1
    )
    or (
        select true
        from mart.fct_members as members
        inner join ops.snapshots
            on members.load_id = snapshots.load_id and members.snapshot_date = snapshots.snapshot_date
        where members.member_key = dim_consumers.consumer_key and members.dimension = 'consumer'
        limit 1
    );

create view bi.dim_host as
select
    dim_hosts.host_key,
    dim_hosts.org_id,
    dim_hosts.host_id,
    coalesce(dim_hosts.host_name, dim_hosts.host_id) as host_name
from mart.dim_hosts
where
    (
        select true
        from mart.fct_chargeback as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
        where facts.host_key = dim_hosts.host_key
        limit 1
    )
    or (
        select true
        from mart.fct_members as members
        inner join ops.snapshots
            on members.load_id = snapshots.load_id and members.snapshot_date = snapshots.snapshot_date
        where members.member_key = dim_hosts.host_key and members.dimension = 'host'
        limit 1
    )
union all
select
    md5('no host of ' || org_id)::uuid as host_key,
    org_id,
    null as host_id,
    'Unassigned' as host_name
from ops.snapshots
group by org_id;

create view bi.dim_cluster as
select
    dim_clusters.cluster_key,
    dim_clusters.org_id,
    dim_clusters.cluster_id,
    coalesce(dim_clusters.cluster_name, dim_clusters.cluster_id) as cluster_name
from mart.dim_clusters
where
    (
        select true
        from mart.fct_chargeback as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
        where facts.cluster_key = dim_clusters.cluster_key
        limit 1
    )
    or (
        select true
        from mart.fct_members as members
        inner join ops.snapshots
            on members.load_id = snapshots.load_id and members.snapshot_date = snapshots.snapshot_date
        where members.member_key = dim_clusters.cluster_key and members.dimension = 'cluster'
        limit 1
    )
union all
select
    md5('no cluster of ' || org_id)::uuid as cluster_key,
    org_id,
    null as cluster_id,
    'Unassigned' as cluster_name
from ops.snapshots
group by org_id;

create view mart.published_units as
select units.*
from mart.dim_organization_units as units
where
    (
        select true
        from mart.fct_unit_totals as facts
        inner join ops.snapshots
            on facts.load_id = snapshots.load_id and facts.snapshot_date = snapshots.snapshot_date
        where facts.unit_key = units.unit_key
        limit 1
    );
comment on view mart.published_units is
'One row per cost center, corporate unit or location that a published snapshot uses.';

create view bi.dim_cost_center as
select
    unit_key as cost_center_key,
    org_id,
    path as cost_center,
    name as cost_center_name,
    parent_key as parent_cost_center_key,
    depth,
    level_1,
    level_2,
    level_3,
    level_4,
    level_5,
    level_6,
    level_7,
    level_8,
    level_9,
    level_10,
    deeper_levels
from mart.published_units
where hierarchy = 'cost_center';

create view bi.dim_corporate_unit as
select
    unit_key as corporate_unit_key,
    org_id,
    path as corporate_unit,
    name as corporate_unit_name,
    parent_key as parent_corporate_unit_key,
    depth,
    level_1,
    level_2,
    level_3,
    level_4,
    level_5,
    level_6,
    level_7,
    level_8,
    level_9,
    level_10,
    deeper_levels
from mart.published_units
where hierarchy = 'corporate_unit';

create view bi.dim_location as
select
    unit_key as location_key,
    org_id,
    path as location,
    name as location_name,
    parent_key as parent_location_key,
    depth,
    level_1,
    level_2,
    level_3,
    level_4,
    level_5,
    level_6,
    level_7,
    level_8,
    level_9,
    level_10,
    deeper_levels
from mart.published_units
where hierarchy = 'location';

create view bi.fact_chargeback as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    coalesce(facts.product_key, dim_licenses.product_key) as product_key,
    facts.consumer_key,
    coalesce(facts.host_key, md5('no host of ' || facts.org_id)::uuid) as host_key,
    coalesce(facts.cluster_key, md5('no cluster of ' || facts.org_id)::uuid) as cluster_key,
    facts.cost_center_key,
    facts.corporate_unit_key,
    facts.location_key,
    facts.consuming_installations,
    facts.machine_consumption,
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
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create view bi.fact_license_position as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    dim_licenses.product_key,
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

create view bi.fact_product_use as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.product_key,
    facts.consumer_key,
    facts.is_main,
    facts.is_supplementary
from ops.snapshots
inner join mart.fct_product_uses as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create view bi.fact_vm_consumption as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.consumer_key,
    coalesce(facts.host_key, md5('no host of ' || facts.org_id)::uuid) as host_key,
    coalesce(facts.cluster_key, md5('no cluster of ' || facts.org_id)::uuid) as cluster_key,
    facts.installed_cores,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_vm_consumption as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create view bi.fact_host_consumption as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.host_key,
    coalesce(facts.cluster_key, md5('no cluster of ' || facts.org_id)::uuid) as cluster_key,
    facts.installed_cores,
    facts.consuming_cores,
    facts.vm_count,
    facts.consumption,
    facts.recharged_consumption,
    facts.recharged_cost
from ops.snapshots
inner join mart.fct_host_consumption as facts
    on snapshots.load_id = facts.load_id and snapshots.snapshot_date = facts.snapshot_date
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;

create view bi.fact_cluster_consumption as
select
    facts.snapshot_date,
    facts.org_id,
    facts.license_key,
    dim_licenses.publisher_key,
    facts.cluster_key,
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
inner join mart.dim_licenses on facts.license_key = dim_licenses.license_key;
