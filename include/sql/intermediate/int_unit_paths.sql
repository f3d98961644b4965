-- One row per hierarchy and group as rows name it: the path that bi shows for it.
-- Units that differ only in case are one. Its spelling is that of the warehouse, else that of most rows, else
-- the first in the order of characters. A group that rows call Unassigned is kept apart from a missing one.
with

given as (
    select
        groups.hierarchy,
        groups.given_path,
        count(*) as line_count
    from intermediate.int_consumption_lines as lines
    cross join
        lateral (
            values
            ('location', lines.device_location),
            ('location', lines.user_location),
            ('cost_center', lines.device_cost_center),
            ('cost_center', lines.user_cost_center),
            ('corporate_unit', lines.device_corporate_unit),
            ('corporate_unit', lines.user_corporate_unit)
        ) as groups (hierarchy, given_path)
    where lines.load_id = %(load_id)s and groups.given_path is not null
    group by
        groups.hierarchy,
        groups.given_path
),

normalized as (
    select
        hierarchy,
        given_path,
        line_count,
        mart.named_path(given_path) as path
    from given
),

nodes as (
    select
        normalized.hierarchy,
        normalized.given_path,
        normalized.line_count,
        names.depth,
        names.name,
        lower(array_to_string((mart.path_names(normalized.path))[:names.depth], '/')) as folded_path
    from normalized
    cross join lateral unnest(mart.path_names(normalized.path)) with ordinality as names (name, depth)
),

spellings as (
    select
        hierarchy,
        folded_path,
        name,
        sum(line_count) as line_count,
        false as is_known
    from nodes
    group by
        hierarchy,
        folded_path,
        name
    union all
    select
        hierarchy,
        lower(path) as folded_path,
        (mart.path_names(path))[depth + 1] as name,
        0 as line_count,
        true as is_known
    from mart.dim_organization_units
    where org_id = %(org_id)s
),

chosen as (
    select distinct on (hierarchy, folded_path)
        hierarchy,
        folded_path,
        name
    from spellings
    order by
        hierarchy asc,
        folded_path asc,
        is_known desc,
        line_count desc,
        name collate "C" asc
)

select
    %(load_id)s::bigint as load_id,
    nodes.hierarchy,
    nodes.given_path,
    string_agg(chosen.name, '/' order by nodes.depth) as path
from nodes
inner join chosen
    on
        nodes.hierarchy = chosen.hierarchy
        and nodes.folded_path = chosen.folded_path
group by
    nodes.hierarchy,
    nodes.given_path
