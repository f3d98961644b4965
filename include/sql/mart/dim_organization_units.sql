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
        (mart.path_names(leaves.path))[1:depths.depth] as names
    from leaves
    cross join lateral generate_series(1, cardinality(mart.path_names(leaves.path))) as depths (depth)
    group by leaves.hierarchy, names
)

select
    mart.organization_unit_key(%(org_id)s, hierarchy, array_to_string(names, '/')) as unit_key,
    %(org_id)s as org_id,
    hierarchy,
    array_to_string(names, '/') as path,
    mart.shown_name(names[cardinality(names)]) as name,
    case
        when cardinality(names) > 1
            then
                mart.organization_unit_key(
                    %(org_id)s, hierarchy, array_to_string(names[1:cardinality(names) - 1], '/')
                )
    end as parent_key,
    nullif(array_to_string(names[1:cardinality(names) - 1], '/'), '') as parent_path,
    cardinality(names) - 1 as depth,
    mart.shown_name(names[1]) as level_1,
    mart.shown_name(names[2]) as level_2,
    mart.shown_name(names[3]) as level_3,
    mart.shown_name(names[4]) as level_4,
    mart.shown_name(names[5]) as level_5,
    mart.shown_name(names[6]) as level_6,
    mart.shown_name(names[7]) as level_7,
    mart.shown_name(names[8]) as level_8,
    mart.shown_name(names[9]) as level_9,
    mart.shown_name(names[10]) as level_10,
    mart.shown_name(nullif(array_to_string(names[11:], '/'), '')) as deeper_levels
from nodes
