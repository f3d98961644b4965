-- The recharge rules work on some licenses of a load at a time: each finds the rows of these without reading all others.

-- A partition is of one load, and terms are numbered license by license: a batch of licenses is a range of terms.
create index int_recharge_quantities_terms on intermediate.int_recharge_quantities (term_number, level);
drop index intermediate.int_recharge_quantities_layers;

-- Which processors there are is asked of all nodes once, not by every batch.
create table intermediate.int_processors (
    load_id bigint not null,
    processor_type text not null,
    sockets numeric,
    core_factor numeric,
    points_per_core numeric,
    unique nulls not distinct (load_id, processor_type, sockets)
) partition by list (load_id);
comment on table intermediate.int_processors is
'One row per load, processor type and number of processors that a node names: its figures by the public tables.';
comment on column intermediate.int_processors.core_factor is 'Of mart.core_factors, by the longest pattern that fits.';
comment on column intermediate.int_processors.points_per_core is
'Of mart.pvu_per_core, by the longest pattern that fits and the number of processors.';

create or replace view intermediate.int_rated_nodes as
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
    coalesce(nodes.points_per_core, processors.points_per_core) as points_per_core,
    coalesce(nodes.core_factor, nodes.points_per_core, processors.core_factor) as core_factor,
    nodes.machine_id
from intermediate.int_capacity_nodes as nodes
left join intermediate.int_processors as processors
    on
        nodes.load_id = processors.load_id
        and nodes.processor_type = processors.processor_type
        and nodes.sockets is not distinct from processors.sockets;

-- Loads whose levels are still there get the partitions they lack.
select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;
