-- One row per processor type and number of processors that a node of the load names: its core factor and its
-- points per core by the public tables, each by the longest pattern that is part of the name.
with

processors as (
    select distinct
        load_id,
        processor_type,
        sockets
    from intermediate.int_capacity_nodes
    where load_id = %(load_id)s and processor_type is not null
)

select
    processors.load_id,
    processors.processor_type,
    processors.sockets,
    (
        select core_factors.core_factor
        from mart.core_factors
        where position(core_factors.processor_pattern in lower(processors.processor_type)) > 0
        order by length(core_factors.processor_pattern) desc, core_factors.processor_pattern asc
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
            pvu_per_core.processor_pattern asc,
            pvu_per_core.least_sockets desc
        limit 1
    ) as points_per_core
from processors
