-- A license of named users counts whom it is allocated to, whether they use it or not, and nobody else.

alter table intermediate.int_capacity_nodes add column is_allocated boolean;
comment on column intermediate.int_capacity_nodes.is_allocated is
'Whether the license is allocated to the consumer, by any of its rows; null where the API does not say.';

alter table intermediate.int_license_terms add column is_by_allocation boolean not null default false;
comment on column intermediate.int_license_terms.is_by_allocation is
'True: consumers count whom the license is allocated to. False: those with an installation.';

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
    nodes.machine_id,
    coalesce(nodes.is_allocated, false) as is_allocated
from intermediate.int_capacity_nodes as nodes
left join intermediate.int_processors as processors
    on
        nodes.load_id = processors.load_id
        and nodes.processor_type = processors.processor_type
        and nodes.sockets is not distinct from processors.sockets;

-- Anew, as a view keeps to the columns that its table had when it was made.
drop view intermediate.int_rated_terms;
create view intermediate.int_rated_terms as
select
    int_license_terms.*,
    coalesce(int_license_terms.minimum_per_processor, license_minimums.minimum_per_processor) as least_per_processor,
    coalesce(int_license_terms.minimum_per_device, license_minimums.minimum_per_device) as least_per_device,
    coalesce(int_license_terms.minimum_per_license, license_minimums.minimum_per_license) as least_per_license
from intermediate.int_license_terms
left join mart.license_minimums on int_license_terms.minimum_list = license_minimums.minimum_list;
comment on view intermediate.int_rated_terms is
'int_license_terms with the minimums that count: those of the method, or else those of the vendor''s list.';
