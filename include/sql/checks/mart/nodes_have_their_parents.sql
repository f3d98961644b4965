-- severity: fail
-- dimension: referential
-- Every node of a license's capacity tree stands in a pool, host or cluster that is a node of the tree
-- too, and of a higher level: a node under nothing would be counted nowhere.
with

nodes as (
    select
        license_id,
        node_id,
        level,
        parent_node_id,
        host_node_id,
        cluster_node_id
    from intermediate.int_capacity_nodes
    where load_id = %(load_id)s
),

links as (
    select
        nodes.license_id,
        nodes.node_id,
        nodes.level,
        links.name,
        links.node_id as above_node_id
    from nodes
    cross join
        lateral (
            values
            ('parent', nodes.parent_node_id),
            ('host', nodes.host_node_id),
            ('cluster', nodes.cluster_node_id)
        ) as links (name, node_id)
    where links.node_id is not null
)

select
    links.license_id,
    links.node_id as node,
    'its ' || links.name || ' ' || links.above_node_id || ' above it' as expected,
    coalesce('level ' || above.level || ' over level ' || links.level, 'no such node') as found
from links
left join nodes as above
    on
        links.license_id = above.license_id
        and links.above_node_id = above.node_id
where above.node_id is null or above.level <= links.level
