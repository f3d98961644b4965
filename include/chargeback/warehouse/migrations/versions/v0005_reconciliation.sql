-- What reconciles a license: keys that the customer sets where Flexera gives none, how far figures may differ before
-- somebody is told, and the difference itself beside each charge.

alter table intermediate.int_capacity_nodes add column machine_id text;
comment on column intermediate.int_capacity_nodes.machine_id is
'The machine that the row of a user names: users of one machine are users of one server. Null elsewhere.';

create or replace view intermediate.int_rated_nodes as
with

processors as (
    select distinct
        load_id,
        processor_type,
        sockets
    from intermediate.int_capacity_nodes
    where processor_type is not null
),

rated as (
    select
        processors.load_id,
        processors.processor_type,
        processors.sockets,
        (
            select core_factors.core_factor
            from mart.core_factors
            where position(core_factors.processor_pattern in lower(processors.processor_type)) > 0
            order by length(core_factors.processor_pattern) desc, core_factors.processor_pattern
            limit 1
        ) as core_factor,
        (
            select pvu_per_core.points_per_core
            from mart.pvu_per_core
            where
                position(pvu_per_core.processor_pattern in lower(processors.processor_type)) > 0
                and pvu_per_core.least_sockets <= coalesce(processors.sockets, 1)
            order by
                length(pvu_per_core.processor_pattern) desc,
                pvu_per_core.processor_pattern,
                pvu_per_core.least_sockets desc
            limit 1
        ) as points_per_core
    from processors
)

select
    nodes.load_id,
    nodes.license_id,
    nodes.node_id,
    nodes.node_type,
    nodes.level,
    nodes.parent_node_id,
    nodes.host_node_id,
    nodes.cluster_node_id,
    nodes.cores,
    nodes.capped_cores,
    nodes.threads,
    nodes.sockets,
    nodes.socket_cores,
    nodes.users,
    nodes.account_id,
    nodes.installations,
    nodes.is_cloud,
    nodes.is_hyperthreaded,
    nodes.is_eligible_for_sub_capacity,
    coalesce(nodes.has_installation, true) as has_installation,
    coalesce(nodes.points_per_core, rated.points_per_core) as points_per_core,
    coalesce(nodes.core_factor, nodes.points_per_core, rated.core_factor) as core_factor,
    nodes.machine_id
from intermediate.int_capacity_nodes as nodes
left join rated
    on
        nodes.load_id = rated.load_id
        and nodes.processor_type = rated.processor_type
        and nodes.sockets is not distinct from rated.sockets;

comment on column intermediate.int_license_terms.license_quantity is
'The license''s consumption where it is typed in, bought as a whole or counted by figures the API does not give, so
that only its split is derived; for tiers the units they apply to. Null where it is counted.';

create table intermediate.int_method_fits (
    load_id bigint not null,
    term_number integer not null,
    consumer_count bigint not null,
    matching_count bigint not null,
    deviation numeric not null,
    recharged_consumption numeric not null,
    derived_consumption numeric not null,
    unallocated_consumption numeric not null,
    is_chosen boolean not null,
    primary key (load_id, term_number)
) partition by list (load_id);
comment on table intermediate.int_method_fits is
'One row per load and method of a license: how well it gives what the API recharges, and whether it is chosen.';
comment on column intermediate.int_method_fits.deviation is
'What derived and recharged consumption differ by, over the consumers that do not match.';
comment on table intermediate.int_recharge_shares is
'One row per load, license and consumer, "unallocated" and "rounding" among them: its share by the chosen method.';
comment on column bi.method_fit.deviation is
'What derived and recharged consumption differ by, over the consumers that do not match.';

create table mart.allocation_keys (
    license_id text not null,
    member_type text not null check (member_type in ('device', 'user', 'cost_center')),
    member text not null check (member <> ''),
    weight numeric not null check (weight >= 0),
    source text not null,
    as_of date not null,
    primary key (license_id, member_type, member)
);
comment on table mart.allocation_keys is
'One row per license and consumer or cost center with a key: what a license is split by that Flexera does not know.';
comment on column mart.allocation_keys.license_id is 'Flexera''s id of the license.';
comment on column mart.allocation_keys.member_type is
'Whom the key is for: a device, a user, or all consumers of a cost center and those below it, who share it evenly.';
comment on column mart.allocation_keys.member is
'Id or name of the device or user in any case, or the path of the cost center. The nearest cost center counts.';
comment on column mart.allocation_keys.weight is 'Headcount, hours of use, class of user, or percent.';
comment on column mart.allocation_keys.source is 'Where the figure is from.';
comment on column mart.allocation_keys.as_of is 'When the figure was read.';

create table mart.gap_tolerances (
    license_type text primary key,
    units_per_row numeric not null check (units_per_row >= 0),
    percent numeric not null check (percent between 0 and 100),
    source text not null,
    as_of date not null
);
comment on table mart.gap_tolerances is
'One row per license type, and one "*" for all others: how far figures may differ before the difference is a gap.';
comment on column mart.gap_tolerances.license_type is 'License type in any case, or * for every type that is not listed.';
comment on column mart.gap_tolerances.units_per_row is
'Units of the license that each row may be off, as by rounding; summed over the rows of a license or host.';
comment on column mart.gap_tolerances.percent is 'Percent of the consumption that a license or host may be off besides.';
comment on column mart.gap_tolerances.source is 'Why so much is no gap.';
comment on column mart.gap_tolerances.as_of is 'When the figure was set.';

create function mart.allowed_gap(type_name text, row_count numeric, consumption numeric) returns numeric
language sql stable parallel safe
return (
    select greatest(units_per_row * row_count, abs(coalesce(consumption, 0)) * percent / 100)
    from mart.gap_tolerances
    where license_type = '*' or lower(license_type) = lower(type_name)
    order by license_type = '*' asc
    limit 1
);
comment on function mart.allowed_gap is
'Units by which so many rows may differ from a consumption of this license type; null where gap_tolerances has no line.';

alter table ops.loads
add column allowed_gap_percent numeric not null default 10 check (allowed_gap_percent between 0 and 100);
comment on column ops.loads.allowed_gap_percent is
'By how many percent of its cost the rows of the load may differ from its licenses without a known reason.';

insert into mart.delta_reasons (delta_reason, meaning) values
('key_missing',
'The license is split by a key that Flexera does not give, such as hours of use, and none is set for it.');

alter table mart.fct_chargeback add column delta numeric;
comment on column mart.fct_chargeback.delta is
'recharged_consumption minus derived_consumption, in units of the license; null where nothing is derived, and for
loads of an older version.';

create view bi.delta_reason as
select
    delta_reason,
    meaning
from mart.delta_reasons;
comment on view bi.delta_reason is
'One row per reason why a charge may differ from the one derived: the closed list behind delta_reason.';
comment on column bi.delta_reason.delta_reason is 'The reason, as in bi.chargeback.delta_reason.';
comment on column bi.delta_reason.meaning is 'What it means, in a sentence.';

-- Loads whose levels are still there get the partition they lack.
select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;
