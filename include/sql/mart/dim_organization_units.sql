-- One row per cost center, corporate unit and location, and per parent that its path names.
with

leaves as (
    select
        'cost_center' as hierarchy,
        cost_center as path
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
    group by cost_center
    union all
    select
        'corporate_unit' as hierarchy,
        corporate_unit as path
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
    group by corporate_unit
    union all
    select
        'location' as hierarchy,
        location as path
    from intermediate.int_consumer_lines
    where load_id = %(load_id)s
    group by location
),

nodes as (
    select
        leaves.hierarchy,
        (string_to_array(leaves.path, '/'))[1:depths.depth] as names
    from leaves
    cross join lateral generate_series(1, cardinality(string_to_array(leaves.path, '/'))) as depths (depth)
    group by leaves.hierarchy, names
)

select
    mart.organization_unit_key(%(org_id)s, hierarchy, array_to_string(names, '/')) as unit_key,
    %(org_id)s as org_id,
    hierarchy,
    array_to_string(names, '/') as path,
    names[cardinality(names)] as name,
    case
        when cardinality(names) > 1
            then
                mart.organization_unit_key(
                    %(org_id)s, hierarchy, array_to_string(names[1:cardinality(names) - 1], '/')
                )
    end as parent_key,
    nullif(array_to_string(names[1:cardinality(names) - 1], '/'), '') as parent_path,
    cardinality(names) - 1 as depth,
    names[1] as level_1,
    names[2] as level_2,
    names[3] as level_3,
    names[4] as level_4,
    names[5] as level_5,
    names[6] as level_6,
    names[7] as level_7,
    names[8] as level_8,
    names[9] as level_9,
    names[10] as level_10,
    nullif(array_to_string(names[11:], '/'), '') as deeper_levels
from nodes
