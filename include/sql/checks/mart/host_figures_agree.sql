-- severity: warn
-- A host's figures are the same on each of its rows; where they are not, the most frequent one counts.
with

figures as (
    select
        lines.license_id,
        lines.host_identity,
        figures.name,
        figures.value,
        count(*) as line_count
    from intermediate.int_consumer_lines as lines
    cross join
        lateral (
            values
            ('consumption', lines.host_consumption),
            ('cores', lines.host_cores),
            ('installed cores', lines.host_installed_cores),
            ('consuming cores', lines.host_consuming_cores)
        ) as figures (name, value)
    where
        lines.load_id = %(load_id)s
        and lines.host_identity is not null
        and figures.value is not null
    group by
        lines.license_id,
        lines.host_identity,
        figures.name,
        figures.value
)

select
    license_id,
    host_identity as host,
    'one ' || name as expected,
    string_agg(value || ' on ' || line_count || ' rows', ', ' order by line_count desc, value desc) as found
from figures
group by
    license_id,
    host_identity,
    name
having count(*) > 1
order by
    license_id,
    host_identity,
    name
